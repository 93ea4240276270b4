"""What changed where nothing was hidden."""

from __future__ import annotations

from collections.abc import Iterable

import cv2
import numpy as np

from keras_deid.boxes import Rectangle

MARGIN = 8
"""Pixels around the hidden pixels that do not count as outside."""


def changed_outside(before: np.ndarray, after: np.ndarray, boxes: Iterable[Rectangle]) -> int:
    """Counts the pixels outside all boxes that differ.

    Args:
        before: uint8 `(height, width, 3)`.
        after: the same shape.
        boxes: whole pixels, inside the picture.
    """
    differs = (before != after).any(axis=-1)
    for x0, y0, x1, y1 in boxes:
        differs[y0:y1, x0:x1] = False
    return int(differs.sum())


def difference_outside(before: np.ndarray, after: np.ndarray, mask: np.ndarray) -> float:
    """Mean absolute difference of the pixels that lie more than `MARGIN` pixels off the hidden ones.

    Args:
        before: uint8 `(height, width, 3)`.
        after: the same shape.
        mask: float32 `(height, width)`, above 0 where pixels are hidden.

    Returns:
        Levels of 255; NaN if there is no such pixel.
    """
    near = cv2.dilate((mask > 0).astype(np.uint8), np.ones((2 * MARGIN + 1, 2 * MARGIN + 1), np.uint8))
    outside = near == 0
    return float(cv2.absdiff(before, after)[outside].mean()) if outside.any() else float("nan")
