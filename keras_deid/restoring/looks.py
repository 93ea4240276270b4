"""How a locator looks at a picture: in several sizes, each also mirrored; neighbouring sizes confirm each other."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import cv2
import numpy as np

from keras_deid.data.images import resize_image

Mark = Callable[[np.ndarray], np.ndarray]
"""uint8 `(height, width, 3)`, sides multiples of 32 -> float32 `(height / 4, width / 4)`:
probability of being hidden."""

STRIDE = 4
"""Pixels that a locator looks at, in each direction, for one cell of its map."""
HIDDEN = 0.5
"""Probability above which a cell is hidden."""
BETWEEN = 90.0
"""Pixels of a region's shorter side, as it is looked at: smaller sizes see the regions from there on, the largest one
sees the others."""
_MULTIPLE = 32
_LONGER_SIDE = 832
"""Pictures are looked at with this longer side (smaller ones as they are), at half and at a quarter of it for large
regions, and larger for small ones."""
_FACTOR = 2
_ENLARGED_SIDE = 1165
"""Pictures are looked at with this longer side as well: the blocks of small regions then have the sizes that the
locator learned from most."""
_MOST_ENLARGED = 1.4
_LARGEST_SIDE = 1414
_MOST_LARGEST = 1.7
"""For the smallest regions, pictures are enlarged further: to this longer side, by this factor at most; pictures that
have the pixels are looked at with up to twice `_LONGER_SIDE`."""
_CONFIRMS = 0.5
"""Weight of a neighbouring size, beside one of the size itself."""


class Look(NamedTuple):
    """What a locator says of a picture in one size.

    Attributes:
        scale: the picture was resized by it.
        probability: float32 `(ceil(height * scale / 4), ceil(width * scale / 4))`: of each cell, that it is hidden.
        least: pixels of the resized picture; a region counts if its shorter side has at least as many,
        most: and less than this.
    """

    scale: float
    probability: np.ndarray
    least: float = 0.0
    most: float = np.inf


def look_at(mark: Mark, picture: np.ndarray) -> list[Look]:
    """Looks at a picture in all sizes, the smallest first.

    A map in which something is hidden is the mean of the picture's and the mirrored picture's. In the three largest
    sizes it is then averaged with those of the neighbouring sizes: what hides a face is seen in all of them, what only
    looks like it in one.

    Args:
        mark: the locator.
        picture: uint8 `(height, width, 3)`, RGB, of any size.
    """
    coarse, fine = _scales(picture.shape[:2])
    looks = [Look(scale, _marked(mark, picture, scale), least=BETWEEN) for scale in coarse]
    near = _confirmed([(scale, _marked(mark, picture, scale)) for scale in fine])
    for number, (scale, probability) in enumerate(near):
        least = BETWEEN if number == 0 and len(near) > 1 else 0.0
        most = BETWEEN if number == 2 else np.inf
        looks.append(Look(scale, probability, least, most))
    return looks


def _scales(size: tuple[int, int]) -> tuple[list[float], list[float]]:
    """Returns the factors by which a picture is resized: for large regions alone, and for all."""
    longer_side = max(size)
    scale = min(1.0, _LONGER_SIDE / longer_side)
    enlarged = min(_MOST_ENLARGED, _ENLARGED_SIDE / longer_side)
    largest = max(min(_MOST_LARGEST, _LARGEST_SIDE / longer_side), min(1.0, _FACTOR * scale))
    fine = [scale]
    fine += [factor for factor in (enlarged, largest) if factor > fine[-1]]
    coarse = [scale / factor for factor in (_FACTOR**2, _FACTOR)]
    return [factor for factor in coarse if factor * min(size) >= BETWEEN], fine


def _marked(mark: Mark, picture: np.ndarray, scale: float) -> np.ndarray:
    height, width = (max(round(side * scale), 1) for side in picture.shape[:2])
    resized = picture if scale == 1.0 else resize_image(picture, (height, width))
    below, beside = -height % _MULTIPLE, -width % _MULTIPLE
    padded = cv2.copyMakeBorder(resized, 0, below, 0, beside, cv2.BORDER_REPLICATE)
    probability = mark(padded)
    if probability.max() > HIDDEN:
        probability = (probability + mark(np.ascontiguousarray(padded[:, ::-1]))[:, ::-1]) / 2
    return probability[: -(-height // STRIDE), : -(-width // STRIDE)]


def _confirmed(maps: list[tuple[float, np.ndarray]]) -> list[tuple[float, np.ndarray]]:
    """Averages each map with those of the sizes next to it."""
    confirmed = []
    for number, (scale, probability) in enumerate(maps):
        total: np.ndarray = probability.astype(np.float32)
        weight = 1.0
        for other in maps[max(number - 1, 0) : number] + maps[number + 1 : number + 2]:
            total = total + _CONFIRMS * _resampled(*other, scale, probability.shape)
            weight += _CONFIRMS
        confirmed.append((scale, total / np.float32(weight)))
    return confirmed


def _resampled(scale: float, probability: np.ndarray, to: float, size: tuple[int, ...]) -> np.ndarray:
    """Brings a map of a picture resized by `scale` to that of the picture resized by `to`."""
    factor = scale / to
    centre = 0.5 * factor - 0.5  # where the centre of the first cell lies, in cells of the map
    way = np.array([[factor, 0, centre], [0, factor, centre]], np.float32)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return cv2.warpAffine(probability, way, size[1::-1], flags=flags, borderMode=cv2.BORDER_REPLICATE)
