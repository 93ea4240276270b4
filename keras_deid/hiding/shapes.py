"""The shape of a hidden region, as an opacity between 0 and 1."""

from __future__ import annotations

from typing import Literal

import cv2
import numpy as np

Shape = Literal["rectangle", "ellipse", "rounded"]
SHAPES: tuple[Shape, ...] = ("rectangle", "ellipse", "rounded")

_CORNER = 0.3
"""Radius of a rounded rectangle's corners, as a fraction of its shorter side."""


def opacity(size: tuple[int, int], shape: Shape, feather: float = 0.0) -> np.ndarray:
    """Draws a shape that fills a rectangle.

    Args:
        size: (height, width) of the rectangle, in pixels, each at least 1.
        shape: `"rectangle"`, the inscribed `"ellipse"`, or a rectangle with `"rounded"` corners.
        feather: width of the soft edge, in pixels, inside the shape; 0 gives a hard edge.

    Returns:
        float32 `(height, width)`: 1 inside, 0 outside, in between on the soft edge.

    Raises:
        ValueError: if the shape is unknown.
    """
    height, width = size
    if shape == "rectangle":
        inside = np.ones(size, np.float32)
    elif shape == "ellipse":
        rows = ((np.arange(height) + 0.5) / height * 2 - 1) ** 2
        columns = ((np.arange(width) + 0.5) / width * 2 - 1) ** 2
        inside = (rows[:, None] + columns[None, :] <= 1).astype(np.float32)
    elif shape == "rounded":
        inside = _rounded(height, width)
    else:
        raise ValueError(f"Expected a shape of {SHAPES}. Received: shape={shape!r}")
    if feather <= 0:
        return inside
    around = np.pad(inside, 1).astype(np.uint8)
    depth = cv2.distanceTransform(around, cv2.DIST_L2, 3)[1:-1, 1:-1]
    return np.minimum(depth / (feather + 1), 1).astype(np.float32)


def _rounded(height: int, width: int) -> np.ndarray:
    radius = _CORNER * min(height, width)
    beyond_rows = np.maximum(np.abs(np.arange(height) + 0.5 - height / 2) - (height / 2 - radius), 0)
    beyond_columns = np.maximum(np.abs(np.arange(width) + 0.5 - width / 2) - (width / 2 - radius), 0)
    return (beyond_rows[:, None] ** 2 + beyond_columns[None, :] ** 2 <= radius**2).astype(np.float32)
