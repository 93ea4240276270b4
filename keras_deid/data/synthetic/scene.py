"""One drawn scene: a street, a person before it, and the light on both."""

from typing import NamedTuple

import cv2
import numpy as np

from keras_deid.data.synthetic.chance import Chance
from keras_deid.data.synthetic.person import draw_person
from keras_deid.data.synthetic.street import draw_street


class Scene(NamedTuple):
    """A drawn picture and what is exactly known about it."""

    image: np.ndarray
    """uint8 `(size, size, 3)` RGB."""
    box: np.ndarray
    """float32 `(4,)`: chin to hairline, ear to ear, as (x0, y0, x1, y1) in pixels."""
    person: np.ndarray
    """uint8 `(size, size)`: 1 on the person, 0 elsewhere."""


def draw_scene(seed: int, size: int) -> Scene:
    """Draws the scene that a seed names.

    Args:
        seed: int >= 0. The same seed is the same scene at every size.
        size: int >= 16; height and width of the picture, in pixels.

    Returns:
        the picture, the box around the face, the mask of the person.
    """
    chance = Chance(seed)
    street = draw_street(chance, size)
    person, box = draw_person(chance, size)
    alpha = person[:, :, 3]
    image = person[:, :, :3] + (street * (255 - alpha.astype(np.uint16))[:, :, None] // 255).astype(np.uint8)
    return Scene(image, box, (alpha >= 128).astype(np.uint8))
