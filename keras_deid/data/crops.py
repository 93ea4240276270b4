"""The square that a restorer sees of a photograph: cut around a hidden region, resized to the network's size.

Training and restoring both cut here, so that a network is used as it was trained.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import cv2
import numpy as np

from keras_deid.boxes import Box
from keras_deid.data.images import resize_image


class Square(NamedTuple):
    """A square of whole pixels; it may reach beyond the picture.

    Attributes:
        left: column of its first pixel.
        top: row of its first pixel.
        side: pixels, at least 1.
    """

    left: int
    top: int
    side: int

    @property
    def edges(self) -> tuple[int, int, int, int]:
        """`(x0, y0, x1, y1)`, exclusive on the right and at the bottom."""
        return (self.left, self.top, self.left + self.side, self.top + self.side)


def square_about(region: Box, context: float) -> Square:
    """Returns the square around a region.

    Args:
        region: pixels, with an area.
        context: side of the square relative to the region's longer side, >= 1.

    Raises:
        ValueError: if `context` is below 1, or the region has no area.
    """
    x0, y0, x1, y1 = region
    if not context >= 1:
        raise ValueError(f"Expected a context >= 1. Received: context={context}")
    if not (x1 > x0 and y1 > y0):
        raise ValueError(f"Expected a region with x0 < x1 and y0 < y1. Received: region={region}")
    side = max(math.ceil(context * max(x1 - x0, y1 - y0)), 1)
    return Square(math.floor((x0 + x1 - side) / 2 + 0.5), math.floor((y0 + y1 - side) / 2 + 0.5), side)


def cut_square(picture: np.ndarray, square: Square, size: int) -> np.ndarray:
    """Cuts a square out and resizes it; beyond the picture its edge is repeated.

    Args:
        picture: `(height, width)` or `(height, width, channels)`, uint8 or float32.
        square: shares at least a pixel with the picture.
        size: side of the result, in pixels.

    Returns:
        `(size, size)` or `(size, size, channels)`, of the picture's type.

    Raises:
        ValueError: if the square lies outside the picture.
    """
    height, width = picture.shape[:2]
    left, top, side = square
    x0, y0, x1, y1 = max(left, 0), max(top, 0), min(left + side, width), min(top + side, height)
    if x0 >= x1 or y0 >= y1:
        raise ValueError(f"Expected a square inside the picture of size {(height, width)}. Received: {square}")
    inside = picture[y0:y1, x0:x1]
    if inside.shape[:2] != (side, side):
        edges = y0 - top, top + side - y1, x0 - left, left + side - x1
        inside = cv2.copyMakeBorder(inside, *edges, cv2.BORDER_REPLICATE)
    return np.ascontiguousarray(resize_image(inside, (size, size)))
