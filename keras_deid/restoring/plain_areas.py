"""Plain areas that hide nothing: an overexposed sky or ground, of which a locator marks a part.

What a tool paints over a face ends at its edge. The colour of such an area goes on beyond it.
"""

from __future__ import annotations

import cv2
import numpy as np

from keras_deid.data.flat import LEAST_FLAT, MOST_OFF, off_colour
from keras_deid.restoring.found import Region

_RING = 0.12
"""Width of what is looked at on both sides of a region's edge, relative to its shorter side."""
_LEAST_RING = 4
"""Pixels."""
_GOES_ON = 0.4
"""Part of the surroundings with the region's colour, from which on the region is a part of them. Of 100 plain shapes
over faces the greatest part was 0.22, of the two overexposed areas that were marked the least was 0.54."""


def is_plain_area(picture: np.ndarray, region: Region) -> bool:
    """Tells whether a region has one flat colour that goes on around it.

    Args:
        picture: uint8 `(height, width, 3)`.
        region: of the picture.
    """
    x0, y0, x1, y1 = region.box
    width = max(round(_RING * min(x1 - x0, y1 - y0)), _LEAST_RING)
    left, top = max(x0 - width, 0), max(y0 - width, 0)
    near = picture[top : y1 + width, left : x1 + width]
    inside = np.zeros(near.shape[:2], np.uint8)
    inside[y0 - top : y1 - top, x0 - left : x1 - left] = True if region.opacity is None else region.opacity > 0
    square = np.ones((2 * width + 1, 2 * width + 1), np.uint8)
    core = cv2.erode(inside, square, borderType=cv2.BORDER_CONSTANT, borderValue=1) > 0
    if not core.any():
        return False
    off = off_colour(near, core)
    if np.mean(off[core] <= MOST_OFF) < LEAST_FLAT:
        return False
    around = off[(cv2.dilate(inside, square) > 0) & (inside == 0)]
    return bool(around.size) and bool(np.mean(around <= MOST_OFF) > _GOES_ON)
