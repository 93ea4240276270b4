"""Which boxes mean the same: regions found against hidden ones, faces found against true ones."""

from __future__ import annotations

from collections.abc import Sequence

from keras_deid.boxes import Box, iou
from keras_deid.evaluation.faces_found import LEAST_IOU


def match_regions(hidden: Sequence[Box], found: Sequence[Box]) -> list[int | None]:
    """Pairs hidden regions with found ones, each with one at most, the best overlaps first.

    Args:
        hidden: the true boxes, pixels.
        found: what the locator finds, pixels.

    Returns:
        For each hidden region the index of the found one that overlaps it by at least `LEAST_IOU`; None: not found.
    """
    overlaps = [
        (overlap, one, other)
        for one, box in enumerate(hidden)
        for other, candidate in enumerate(found)
        if (overlap := iou(box, candidate)) >= LEAST_IOU
    ]
    matches: list[int | None] = [None] * len(hidden)
    for _, one, other in sorted(overlaps, key=lambda pair: (-pair[0], *pair[1:])):
        if matches[one] is None and other not in matches:
            matches[one] = other
    return matches


def best_match(box: Box, found: Sequence[Box]) -> int | None:
    """Returns the index of the box that overlaps another the most, by at least `LEAST_IOU`; None if there is none."""
    overlaps = [iou(box, candidate) for candidate in found]
    best = max(range(len(found)), key=overlaps.__getitem__, default=None)
    return best if best is not None and overlaps[best] >= LEAST_IOU else None
