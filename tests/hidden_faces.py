"""Drawn photographs with faces to hide, and stand-ins for the networks that restore them."""

from types import SimpleNamespace

import numpy as np
from PIL import Image

from keras_deid.synthetic import draw_scene

SIZE = 128


class Grey:
    """A model that paints everything grey."""

    name, identity, size, context, adds_detail, mark = "grey", "0", (16, 16), 1.5, False, None

    def __init__(self, folder=None, runtime=None):
        self.seen = 0

    def restore(self, pictures):
        self.seen += len(pictures)
        return np.full_like(pictures, 128)


def mark_black(picture):
    """A locator that finds black rectangles and nothing else."""
    black = (picture == 0).all(axis=-1).reshape(picture.shape[0] // 4, 4, picture.shape[1] // 4, 4)
    return (black.mean(axis=(1, 3)) > 0.5).astype(np.float32)


class BlackLocator:
    """The same in place of a trained run."""

    identity, mark = "black", staticmethod(mark_black)

    def __init__(self, folder, runtime):
        pass


def draw_photographs(folder, names):
    """Draws a photograph with a face for each name, in a new folder `photographs`; tells where the faces are."""
    photographs = folder / "photographs"
    photographs.mkdir()
    lines, boxes = ["path,x0,y0,x1,y1"], {}
    for seed, name in enumerate(names):
        scene = draw_scene(seed, SIZE)
        Image.fromarray(np.maximum(scene.image, 20)).save(photographs / name)  # nothing is black
        boxes[name] = tuple(map(float, scene.box))
        lines.append(f"{name},{','.join(f'{edge:.3f}' for edge in scene.box)}")
    listed = folder / "boxes.csv"
    listed.write_text("\n".join(lines) + "\n")
    return SimpleNamespace(folder=photographs, csv=listed, boxes=boxes)


def draw_wall(photographs):
    """Adds a photograph without a face."""
    Image.new("RGB", (SIZE, SIZE), (90, 80, 70)).save(photographs / "wall.png")
