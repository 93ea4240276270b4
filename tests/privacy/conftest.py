from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from keras_deid.data.faces import Face
from keras_deid.privacy.measure import Subject

from ..hidden_faces import SIZE, Grey

BOX = (44.0, 44.0, 84.0, 84.0)
LANDMARKS = ((54.0, 56.0), (74.0, 56.0), (64.0, 64.0), (56.0, 74.0), (72.0, 74.0))


class Middle:
    """Finds a face in the middle of every picture that is not black there."""

    def detect(self, image):
        scale = image.shape[1] / SIZE
        if not image[image.shape[0] // 2, image.shape[1] // 2].any():
            return []
        points = tuple((x * scale, y * scale) for x, y in LANDMARKS)
        return [Face(tuple(edge * scale for edge in BOX), 0.9, points)]


class Colours:
    """A recogniser that takes people of one colour for the same."""

    name, identity, side = "colours", "1", 32
    template = np.array(LANDMARKS) - 48

    def __init__(self):
        self.seen = 0

    def embed(self, faces):
        self.seen += len(faces)
        # How the photographer lit the face does not matter.
        means = np.array([face.mean(axis=(0, 1)) + 1 for face in faces])
        return means / np.linalg.norm(means, axis=1, keepdims=True)


@pytest.fixture
def people(tmp_path):
    """A folder with four photographs of people of different colours before the same wall, and a function to add one."""
    folder = tmp_path / "photographs"
    folder.mkdir()

    def add(name, colour):
        pixels = np.full((SIZE, SIZE, 3), 100, np.uint8)
        x0, y0, x1, y1 = map(int, BOX)
        pixels[y0:y1, x0:x1] = colour
        Image.fromarray(pixels).save(folder / name)

    colours = {"a.png": (150, 120, 90), "b.png": (250, 40, 40), "c.png": (40, 250, 40), "d.png": (40, 40, 250)}
    for name, colour in colours.items():
        add(name, colour)
    return SimpleNamespace(folder=folder, add=add)


@pytest.fixture
def subject():
    def make(*kinds):
        return Subject(Grey(), Middle(), [Colours()], kinds)

    return make
