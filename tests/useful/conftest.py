from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from keras_deid.field.photographs import ListedFaces, find_photographs
from keras_deid.restoring.region_sources import Located
from keras_deid.synthetic import draw_scene
from keras_deid.useful.pictures import Subject

SIZE = 128


class Grey:
    """A model that paints everything grey."""

    name, identity, size, context, adds_detail, mark = "grey", "0", (16, 16), 1.5, False, None

    def __init__(self):
        self.seen = 0

    def restore(self, pictures):
        self.seen += len(pictures)
        return np.full_like(pictures, 128)


def mark_black(picture):
    """A locator that finds black rectangles and nothing else."""
    black = (picture == 0).all(axis=-1).reshape(picture.shape[0] // 4, 4, picture.shape[1] // 4, 4)
    return (black.mean(axis=(1, 3)) > 0.5).astype(np.float32)


@pytest.fixture
def scenes(tmp_path):
    """Four drawn photographs with a face each, and a fifth one of a wall; and where the faces are."""
    folder = tmp_path / "photographs"
    folder.mkdir()
    lines, boxes = ["path,x0,y0,x1,y1"], {}
    for seed, name in enumerate(("a.png", "b.png", "c.png", "d.png")):
        scene = draw_scene(seed, SIZE)
        Image.fromarray(np.maximum(scene.image, 20)).save(folder / name)  # nothing is black
        boxes[name] = tuple(map(float, scene.box))
        lines.append(f"{name},{','.join(f'{edge:.3f}' for edge in scene.box)}")
    Image.new("RGB", (SIZE, SIZE), (90, 80, 70)).save(folder / "wall.png")
    listed = tmp_path / "boxes.csv"
    listed.write_text("\n".join(lines) + "\n")
    return SimpleNamespace(folder=folder, csv=listed, boxes=boxes)


@pytest.fixture
def subject(scenes):
    def make(*kinds):
        faces = ListedFaces(scenes.csv, find_photographs(scenes.folder))
        return Subject(Grey(), Located(mark_black, "black"), faces, kinds)

    return make
