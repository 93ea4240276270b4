"""How sharp a region is: its gradients."""

from __future__ import annotations

import cv2
import numpy as np


def gradient(picture: np.ndarray, region: np.ndarray) -> float:
    """Mean magnitude of the gradient of the grey picture in a region.

    The gradient of a pixel is the difference from the pixel to its right and from the one below. Pixels count for
    which both lie in the region as well, so that the edge of the region itself is no detail.

    Args:
        picture: uint8 `(height, width, 3)`, RGB.
        region: bool `(height, width)`.

    Returns:
        Levels of 255 for a pixel; NaN if no pixel counts.
    """
    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY).astype(np.float32)
    counts = region[:-1, :-1] & region[:-1, 1:] & region[1:, :-1]
    if not counts.any():
        return float("nan")
    across, down = grey[:-1, 1:] - grey[:-1, :-1], grey[1:, :-1] - grey[:-1, :-1]
    return float(np.hypot(across, down)[counts].mean())


def relative_sharpness(original: np.ndarray, picture: np.ndarray, region: np.ndarray) -> float:
    """Sharpness of a region relative to the original's: 1 is as sharp, 0 is flat; NaN if the original is flat."""
    reference = gradient(original, region)
    return gradient(picture, region) / reference if reference > 0 else float("nan")
