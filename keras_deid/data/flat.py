"""Regions of one flat colour, which say nothing about what they hide: filled from around them before restoring.

A network that adds to its input would first have to learn to take a black box away, of whatever colour it is.
"""

from __future__ import annotations

import cv2
import numpy as np

MOST_OFF = 6
"""Levels by which a pixel may differ from the region's colour: the noise of JPEG is below, most blurs are above."""
LEAST_FLAT = 0.75
"""Least part of a flat region that has its colour; around the edge a located region takes in what is not hidden."""
_LEVELS = 8


def fill_flat(crop: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """Fills the region of a crop from its surroundings, if the region has one flat colour.

    The fill is smooth: what is known is averaged over ever larger squares until the region is covered (pull-push).

    Args:
        crop: uint8 `(height, width, 3)`.
        inside: float `(height, width)`, how much of each pixel is in the region.

    Returns:
        uint8 of the same shape; the crop itself where the region is not flat, or covers all of it.

    Reference:
        [Gortler et al., 1996](https://doi.org/10.1145/237170.237200), section 3.4.
    """
    core = inside > 0.98
    if core.sum() < 9:
        return crop
    off = off_colour(crop, core)
    hole: np.ndarray = ((off <= MOST_OFF) & (inside > 0)).astype(np.uint8)
    hole = cv2.morphologyEx(hole, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    known = 1 - cv2.dilate(hole, np.ones((5, 5), np.uint8))
    if hole[core].mean() < LEAST_FLAT or not known.any():
        return crop
    weight = known.astype(np.float32)[..., None]
    filled = _pull_push(crop.astype(np.float32) * weight, weight)
    keep = cv2.GaussianBlur(weight[..., 0], (3, 3), 0)[..., None] * weight
    return np.round(keep * crop + (1 - keep) * filled).astype(np.uint8)


def off_colour(picture: np.ndarray, core: np.ndarray) -> np.ndarray:
    """Returns how far each pixel is from the colour of a region: levels, in the channel that differs most.

    Args:
        picture: uint8 `(height, width, 3)`.
        core: bool `(height, width)`, true somewhere: the pixels whose median is the region's colour.
    """
    return np.abs(picture.astype(np.int16) - np.median(picture[core], axis=0)).max(axis=-1)


def _pull_push(colours: np.ndarray, weight: np.ndarray, level: int = 0) -> np.ndarray:
    """Returns colours everywhere, from colours times weights, float32 `(height, width, 3)` and `(height, width, 1)`."""
    if level == _LEVELS or min(colours.shape[:2]) < 4:
        return colours.sum(axis=(0, 1)) / max(float(weight.sum()), 1e-6) + np.zeros_like(colours)
    smaller = (max(colours.shape[1] // 2, 1), max(colours.shape[0] // 2, 1))
    coarse = _pull_push(
        cv2.resize(colours, smaller, interpolation=cv2.INTER_AREA),
        cv2.resize(weight, smaller, interpolation=cv2.INTER_AREA)[..., None],
        level + 1,
    )
    below = cv2.resize(coarse, colours.shape[1::-1], interpolation=cv2.INTER_LINEAR)
    covered = np.minimum(weight, 1.0)
    return covered * colours / np.maximum(weight, 1e-6) + (1 - covered) * below
