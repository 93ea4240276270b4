"""One drawn scene: a street, a person in front of it, and the light on both."""

import functools
import random
from typing import NamedTuple

import cv2
import numpy as np

from keras_deid.synthetic.chance import Chance
from keras_deid.synthetic.person import draw_person
from keras_deid.synthetic.street import draw_street

# Standard deviations of a camera's noise, in grey levels: from good light to little.
_GRAIN_STRENGTHS = (0.8, 1.2, 1.6, 2.0, 2.5, 3.0, 3.6, 4.4)
# Stored noise is longer than a picture by this much; each picture uses a random part of it.
_GRAIN_MORE = 1 << 17


class Scene(NamedTuple):
    """A drawn picture with its exact face box and person mask."""

    image: np.ndarray
    """uint8 `(size, size, 3)` RGB."""
    box: np.ndarray
    """float32 `(4,)`: chin to hairline, ear to ear, as (x0, y0, x1, y1) in pixels."""
    person: np.ndarray
    """uint8 `(size, size)`: 1 on the person, 0 elsewhere."""


def draw_scene(seed: int, size: int) -> Scene:
    """Draws the scene of a seed.

    Args:
        seed: int >= 0. A seed gives the same scene at every size.
        size: int >= 16; height and width of the picture, in pixels.

    Returns:
        the picture, the box around the face, the mask of the person.

    Raises:
        ValueError: if an argument is out of range.
    """
    if seed < 0:
        raise ValueError(f"`seed` must be >= 0. Received: {seed}")
    if size < 16:
        raise ValueError(f"`size` must be >= 16. Received: {size}")
    chance = Chance(seed)
    person, box = draw_person(chance, size)
    street = draw_street(chance, size)
    image = _photographed(_before(street, person), chance)
    covered = cv2.extractChannel(person, 3)
    return Scene(image, box, (covered >= 128).view(np.uint8))


def _before(street: np.ndarray, person: np.ndarray) -> np.ndarray:
    """Puts the person, whose colours are multiplied by coverage, in front of the street."""
    uncovered = cv2.cvtColor(255 - cv2.extractChannel(person, 3), cv2.COLOR_GRAY2RGB)
    seen = cv2.multiply(street, uncovered, scale=1 / 255)
    # People get less light where the street is dark.
    brightness = min(0.68 + sum(cv2.mean(street)) / 960, 1.03)
    return cv2.add(cv2.convertScaleAbs(cv2.cvtColor(person, cv2.COLOR_RGBA2RGB), alpha=brightness), seen)


def _photographed(image: np.ndarray, chance: Chance) -> np.ndarray:
    """Adds uneven, coloured light, exposure, and the noise of a camera."""
    size = image.shape[0]
    exposure = chance.around(0.97, 0.15)
    warmth = chance.around(0.0, 0.07)
    corners = []
    for _ in range(4):
        level = 128 * exposure * (1 + chance.around(0, 0.14))
        corners.append((level * (1 + warmth), level, level * (1 - warmth)))
    # Between the corners it changes evenly.
    ends = np.array(corners, np.uint8).reshape(2, 2, 3)
    light = cv2.resize(ends, (size, size), interpolation=cv2.INTER_LINEAR_EXACT)
    image = cv2.multiply(image, light, scale=1 / 128)

    lighter, darker = _grain(size, chance.pick(_GRAIN_STRENGTHS))
    start = chance.whole(0, _GRAIN_MORE)
    stretch = slice(start, start + image.size)
    image = cv2.add(image, lighter[stretch].reshape(image.shape))
    return cv2.subtract(image, darker[stretch].reshape(image.shape))


@functools.lru_cache(maxsize=2 * len(_GRAIN_STRENGTHS))
def _grain(size: int, strength: float) -> tuple[np.ndarray, np.ndarray]:
    """Returns Gaussian-like noise, as a part to add and a part to subtract, flat and longer than a picture needs.

    Args:
        size: side of the picture in pixels.
        strength: standard deviation in grey levels.
    """
    length = 3 * size * size + _GRAIN_MORE
    draws = np.frombuffer(random.Random(size).randbytes(4 * length), np.uint8).reshape(4, length)
    # The sum of four uniform draws from 0..255 is nearly normal, with mean 510 and standard deviation 148.
    noise = np.rint((draws.sum(axis=0, dtype=np.int32) - 510) * (strength / 148)).astype(np.int32)
    return np.maximum(noise, 0).astype(np.uint8), np.maximum(-noise, 0).astype(np.uint8)
