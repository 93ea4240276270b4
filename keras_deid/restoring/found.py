"""A region of a picture that is to be restored."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from keras_deid.boxes import Box, Rectangle, clip_box
from keras_deid.data.images import PIXEL_LIMIT

LONGEST_SIDE = math.isqrt(PIXEL_LIMIT)
"""Pixels of a box: a region is restored in a square, and no square picture that is opened is larger."""


@dataclass(frozen=True, eq=False)
class Region:
    """Where a picture is hidden.

    Attributes:
        box: `(x0, y0, x1, y1)`, whole pixels inside the picture, with an area: what surrounds the region.
        score: how sure the locator is, in (0, 1]; 1 for a region that the user gives.
        opacity: float32 `(height, width)` of the box, in [0, 1]: how much of each pixel is replaced; None: all of it.
    """

    box: Rectangle
    score: float = 1.0
    opacity: np.ndarray | None = None


def given_region(box: Box, picture_size: tuple[int, int]) -> Region:
    """Returns the region of a box that the user gives; what lies outside of the picture is cut off.

    Args:
        box: pixels.
        picture_size: (height, width).

    Raises:
        ValueError: if nothing of the box lies in the picture, or it is too long for the square around it.
    """
    x0, y0, x1, y1 = clip_box(box, picture_size)
    if not (x1 > x0 and y1 > y0):
        raise ValueError(f"Expected a box inside the picture of size {picture_size}. Received: box={box}")
    if max(x1 - x0, y1 - y0) > LONGEST_SIDE:
        raise ValueError(f"a box of {x1 - x0:g} x {y1 - y0:g} pixels is longer than {LONGEST_SIDE}")
    return Region((math.floor(x0), math.floor(y0), math.ceil(x1), math.ceil(y1)))
