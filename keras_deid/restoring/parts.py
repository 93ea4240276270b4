"""Parts a marked region at its necks: faces of a crowd are hidden by regions that touch."""

from __future__ import annotations

import cv2
import numpy as np

NECK = 0.7
"""Widest neck at which a region is parted, relative to the narrower of both sides of it."""
_LEAST_RADIUS = 2.5
"""Cells; what is narrower is a ragged edge and no region of its own."""
_STEP = 0.5


def parts(inside: np.ndarray) -> list[np.ndarray]:
    """Returns the parts of a connected region, themselves not parted any further.

    A convex region has no neck and stays whole.

    Args:
        inside: bool `(height, width)`, true somewhere.

    Returns:
        Arrays of the same shape whose union is `inside`.
    """
    depth = cv2.distanceTransform(np.pad(inside, 1).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)[1:-1, 1:-1]
    for level in np.arange(1.0, NECK * float(depth.max()), _STEP):
        count, labels = cv2.connectedComponents((depth > level).astype(np.uint8), connectivity=8)
        least = max(level / NECK, _LEAST_RADIUS)
        cores = [label for label in range(1, count) if depth[labels == label].max() >= least]
        if len(cores) > 1:
            return [part for piece in _nearest(inside, [labels == core for core in cores]) for part in parts(piece)]
    return [inside]


def _nearest(inside: np.ndarray, cores: list[np.ndarray]) -> list[np.ndarray]:
    """Gives each cell to the core that is nearest to it."""
    away = np.stack(
        [cv2.distanceTransform((~core).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE) for core in cores]
    )
    owner = away.argmin(axis=0)
    return [inside & (owner == number) for number in range(len(cores))]
