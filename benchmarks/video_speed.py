"""How fast a video of 768 x 432 pixels is restored.

    python -m benchmarks.video_speed RUN LOCATOR

The video shows drawn persons who walk through the picture, their faces hidden by mosaics of 8 pixels. Its regions are
found, tracked, restored, and the result is encoded. Prints frames per second, and the processor time of a frame, of
all cores together: with idle processors the former is at most their number divided by the latter. See
docs/restoring.md.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from keras_deid.cli.ending import exit_codes
from keras_deid.cli.start_tensorflow import start_tensorflow
from keras_deid.hiding.methods import block_means
from keras_deid.restoring.region_sources import Located
from keras_deid.restoring.video import restore_video
from keras_deid.synthetic import draw_scene

WIDTH, HEIGHT = 768, 432
_WARM_UP = 12
"""Frames of a first video: the networks are compiled meanwhile."""


@exit_codes
def main(argv: list[str] | None = None) -> int:
    """Prints the frames per second."""
    options = _parser().parse_args(argv)
    start_tensorflow()
    from keras_deid.restoring.run_locator import RunLocator
    from keras_deid.restoring.run_model import RunModel

    model, regions = RunModel(options.run), Located(RunLocator(options.locator).mark, "benchmark")
    with tempfile.TemporaryDirectory() as folder:
        source, out = Path(folder) / "in.mp4", Path(folder) / "out.mp4"
        for count in (_WARM_UP, options.frames):
            _draw(source, count, options.persons)
            processor, started = time.process_time(), time.perf_counter()
            restore_video(source, out, model, regions)
            seconds, worked = time.perf_counter() - started, time.process_time() - processor
    print(
        f"{options.frames} frames of {WIDTH} x {HEIGHT} with {options.persons} persons: "
        f"{options.frames / seconds:.1f} frames/s, {worked / options.frames * 1e3:.0f} ms of processor time a frame"
    )
    return 0


def _draw(path: Path, frames: int, persons: int) -> None:
    """Writes a video in which persons walk in front of a street."""
    street = draw_scene(seed=0, size=WIDTH).image[:HEIGHT]
    side = min(WIDTH // persons, 320)
    walkers = []
    for number in range(persons):
        scene = draw_scene(seed=number + 1, size=side)
        x0, y0, x1, y1 = (int(edge) for edge in scene.box)
        scene.image[y0:y1, x0:x1] = block_means(scene.image[y0:y1, x0:x1], 8)
        walkers.append(scene.image)
    with av.open(str(path), "w") as file:
        stream = file.add_stream("libx264", rate=Fraction(25), width=WIDTH, height=HEIGHT, options={"crf": "20"})
        for frame in range(frames):
            picture = street.copy()
            for number, walker in enumerate(walkers):
                left = (number * side + frame) % (WIDTH - side + 1)
                picture[HEIGHT - side :, left : left + side] = walker
            file.mux(stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), "rgb24")))
        file.mux(stream.encode(None))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.video_speed",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("run", metavar="RUN", help="a restorer: its folder, or the name of a shipped one")
    parser.add_argument("locator", metavar="LOCATOR", help="a locator, likewise")
    parser.add_argument("--frames", metavar="N", type=int, default=250, help="length of the video (default: 250)")
    parser.add_argument("--persons", metavar="N", type=int, default=2, help="in each frame (default: 2)")
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
