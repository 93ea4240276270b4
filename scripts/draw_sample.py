"""Draws `docs/sample.png`, a scene with a mosaic on its face, and writes the face's box to `docs/sample.csv`.

`python scripts/draw_sample.py` reproduces both, byte for byte.
"""

from pathlib import Path

import click
import numpy as np
import tensorflow as tf

from keras_deid.data.deidentify import deidentify, strength_in_pixels
from keras_deid.data.images import write_png
from keras_deid.synthetic import draw_scene


@click.command()
@click.option("--out", type=click.Path(path_type=Path), default=Path("docs/sample.png"), show_default=True)
@click.option("--seed", type=click.IntRange(min=0), default=22, show_default=True, help="Which scene.")
@click.option("--size", type=click.IntRange(min=16), default=224, show_default=True, help="Side, px.")
@click.option("--block", type=float, default=0.15, show_default=True, help="Block, in widths of the face.")
def main(out: Path, seed: int, size: int, block: float) -> None:
    """Draw a scene, hide its face behind a mosaic, and write the picture and the box of the face."""
    scene = draw_scene(seed, size)
    box = np.concatenate([np.floor(scene.box[:2]), np.ceil(scene.box[2:])])  # a mosaic's edges are whole pixels
    boxes = tf.constant(box[None])
    hidden, _ = deidentify(tf.constant(scene.image[None]), boxes, strength_in_pixels(block, boxes, "face"))
    write_png(out, hidden[0].numpy())
    corners = ",".join(f"{edge:.0f}" for edge in box)
    out.with_suffix(".csv").write_text(f"path,x0,y0,x1,y1\n{out.name},{corners}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
