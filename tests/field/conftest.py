from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from keras_deid.data.faces import Face
from keras_deid.field.evaluate import Subject
from keras_deid.field.photographs import ListedFaces, find_photographs
from keras_deid.restoring.region_sources import Located
from keras_deid.synthetic import draw_scene

SIZE = 128


class Grey:
    """A model that paints everything grey."""

    name, identity, size, context, adds_detail, mark = "grey", "0", (16, 16), 1.5, False, None

    def __init__(self, folder=None):
        self.seen = 0

    def restore(self, pictures):
        self.seen += len(pictures)
        return np.full_like(pictures, 128)


def mark_black(picture):
    """A locator that finds black rectangles and nothing else."""
    black = (picture == 0).all(axis=-1).reshape(picture.shape[0] // 4, 4, picture.shape[1] // 4, 4)
    return (black.mean(axis=(1, 3)) > 0.5).astype(np.float32)


class Detector:
    """Finds the faces whose middle is not black, with all points there, one to the right for a level of brightness."""

    def __init__(self, boxes):
        self.boxes = boxes

    def detect(self, image):
        height, width = image.shape[:2]
        found = []
        for box in self.boxes:
            scaled = tuple(edge * width / SIZE for edge in box)
            x, y = round((scaled[0] + scaled[2]) / 2), round((scaled[1] + scaled[3]) / 2)
            if image[y, x].any():
                found.append(Face(scaled, 0.9, ((x, y),) * 5))
        return found


@pytest.fixture
def scenes(tmp_path):
    """Two drawn photographs with a face each, and a third one of a wall; and where the faces are."""
    folder = tmp_path / "photographs"
    folder.mkdir()
    lines, boxes = ["path,x0,y0,x1,y1"], {}
    for seed, name in enumerate(("a.png", "b.png")):
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
    def make(*kinds, mark=mark_black):
        return Subject(
            Grey(),
            Located(mark, "black"),
            ListedFaces(scenes.csv, find_photographs(scenes.folder)),
            Detector(list(scenes.boxes.values())),
            kinds,
        )

    return make
