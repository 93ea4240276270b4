import csv

import numpy as np
import pytest
from PIL import Image

from keras_deid.preparation.prepare import prepare

HEIGHT, WIDTH = 120, 160
BOX = (60, 30, 90, 70)  # the face of every drawn photograph, 30 x 40 pixels


def draw(seed, height=HEIGHT, width=WIDTH):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3)).astype(np.uint8)


def person_mask():
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    mask[20:, 50:100] = 255
    return mask


class Photos:
    """A folder of drawn photographs with a box each, and their masks."""

    def __init__(self, folder, count):
        self.folder = folder / "photos"
        self.masks = folder / "masks"
        self.boxes = folder / "boxes.csv"
        self.names = [f"{'night/' if number % 3 == 0 else ''}{number:03d}.png" for number in range(count)]
        (self.folder / "night").mkdir(parents=True)
        (self.masks / "night").mkdir(parents=True)
        for number, name in enumerate(self.names):
            Image.fromarray(draw(number)).save(self.folder / name)
            if number % 2 == 0:
                Image.fromarray(person_mask()).save(self.masks / name)
        self.list_boxes({name: [BOX] for name in self.names})

    def list_boxes(self, boxes_of):
        lines = [f"{name},{','.join(map(str, box))}" for name, boxes in boxes_of.items() for box in boxes]
        self.boxes.write_text("\n".join(["path,x0,y0,x1,y1", *lines]) + "\n")

    def prepare(self, out, **settings):
        defaults = {"boxes": self.boxes, "masks": self.masks, "size": 32, "workers": 1}
        return prepare(self.folder, out, **{**defaults, **settings})


@pytest.fixture
def photos(tmp_path):
    return Photos(tmp_path, 20)


@pytest.fixture
def out(tmp_path):
    return tmp_path / "out"


def examples_of(dataset):
    found = {}
    for split in ("train", "val", "test"):
        for example in dataset.examples(split).as_numpy_iterator():
            found[example["path"].decode()] = {**example, "split": split}
    return found


def skipped(out):
    with open(out / "skipped.csv", newline="") as file:
        rows = list(csv.reader(file))
    assert rows[0] == ["path", "reason"]
    return dict(rows[1:])


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def traces(out):
    """What lies beside `out` of an unfinished preparation."""
    return sorted(path.name for path in out.parent.iterdir() if path.name.startswith(f".{out.name}"))
