"""Finds the hidden regions of a picture from what a locator marks."""

from __future__ import annotations

import cv2
import numpy as np

from keras_deid.boxes import Rectangle
from keras_deid.restoring.found import Region
from keras_deid.restoring.looks import HIDDEN, STRIDE, Look, Mark, look_at
from keras_deid.restoring.parts import parts
from keras_deid.restoring.plain_areas import is_plain_area

THRESHOLD = 0.65
"""Least mean probability of a region that is taken."""

_LEAST_SIDE = 2.5
"""Cells; narrower regions are noise."""
_LEAST_FILL = 0.55
"""Least part of its box that a region fills; an ellipse fills 0.79."""
_RECTANGLE = 0.9
"""Part of its box from which on a region counts as a rectangle."""
_MOST_LONG = 3.2
"""Most that a region may be longer than it is wide; faces and heads are not ribbons."""
_SAME = 0.3
"""Regions of two sizes that overlap by more than this part of the smaller one are the same."""
_GROWN = 3
"""Pixels by which a region is grown before it is replaced: a rim of the mosaic is seen more than one of the picture."""


def find_regions(mark: Mark, picture: np.ndarray, threshold: float = THRESHOLD) -> list[Region]:
    """Finds the hidden regions of a picture.

    Args:
        mark: the locator.
        picture: uint8 `(height, width, 3)`, RGB, of any size.
        threshold: least score of a region, in (0, 1); a lower one finds more, and more that is not hidden.

    Returns:
        The regions, the surest first.
    """
    return regions_in(look_at(mark, picture), picture, threshold)


def regions_in(looks: list[Look], picture: np.ndarray, threshold: float = THRESHOLD) -> list[Region]:
    """Returns the regions in what was seen of a picture, see `find_regions`."""
    regions = [region for look in looks for region in _regions(look, picture, threshold)]
    return _without_repeats(regions, picture)


def _without_repeats(regions: list[Region], picture: np.ndarray) -> list[Region]:
    """Keeps one of the regions that lie over each other, the surest or, if equally sure, the largest; none is plain."""
    kept: list[Region] = []
    for region in sorted(regions, key=_rank, reverse=True):
        if not any(_same(region.box, other.box) for other in kept) and not is_plain_area(picture, region):
            kept.append(region)
    return sorted(kept, key=lambda region: -region.score)


def _with_corners(solid: np.ndarray) -> np.ndarray:
    """Gives a rectangle its corners back, which the coarse map has rounded."""
    rows, columns = np.flatnonzero(solid.any(axis=1)), np.flatnonzero(solid.any(axis=0))
    if len(rows):
        box = solid[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        if box.mean() >= _RECTANGLE:
            box[:] = 1
    return solid


def _shorter_side(box: Rectangle) -> int:
    return min(box[2] - box[0], box[3] - box[1])


def _rank(region: Region) -> float:
    x0, y0, x1, y1 = region.box
    return region.score * ((x1 - x0) * (y1 - y0)) ** 0.25


def _regions(look: Look, picture: np.ndarray, threshold: float) -> list[Region]:
    probability = look.probability
    inside: np.ndarray = (probability > HIDDEN).astype(np.uint8)
    # An even kernel has to be turned about for the second step, or the regions move by a cell.
    pair = np.ones((2, 2), np.uint8)
    inside = cv2.dilate(cv2.erode(inside, pair, anchor=(0, 0)), pair, anchor=(1, 1))
    count, labels, stats, _ = cv2.connectedComponentsWithStats(inside, connectivity=4)
    regions = []
    for label in range(1, count):
        x, y, wide, high, _ = (int(value) for value in stats[label])
        if min(wide, high) < _LEAST_SIDE:
            continue
        whole = labels[y : y + high, x : x + wide] == label
        for part in parts(whole):
            own = np.zeros(labels.shape, bool)
            own[y : y + high, x : x + wide] = part
            cells = _bounds(own)
            score = float(probability[own].mean())
            if _is_region(own, cells) and score >= threshold:
                region = _region(probability, own, cells, score, picture, look.scale)
                if look.least <= _shorter_side(region.box) * look.scale < look.most:
                    regions.append(region)
    return regions


def _bounds(own: np.ndarray) -> Rectangle:
    rows, columns = np.flatnonzero(own.any(axis=1)), np.flatnonzero(own.any(axis=0))
    return (int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1)


def _is_region(own: np.ndarray, cells: Rectangle) -> bool:
    wide, high = cells[2] - cells[0], cells[3] - cells[1]
    shorter, longer = min(wide, high), max(wide, high)
    return shorter >= _LEAST_SIDE and longer <= _MOST_LONG * shorter and own.sum() >= _LEAST_FILL * wide * high


def _region(
    probability: np.ndarray, own: np.ndarray, cells: Rectangle, score: float, picture: np.ndarray, scale: float
) -> Region:
    """Brings a region of the map to the picture's pixels, its edge where the probability crosses one half."""
    height, width = picture.shape[:2]
    step = STRIDE / scale  # pixels of the picture for a cell
    x0, y0, x1, y1 = cells
    left, top = max(x0 - 2, 0), max(y0 - 2, 0)
    right, bottom = min(x1 + 2, own.shape[1]), min(y1 + 2, own.shape[0])
    near = cv2.dilate(own[top:bottom, left:right].astype(np.uint8), np.ones((3, 3), np.uint8))
    part = np.where(near > 0, probability[top:bottom, left:right], 0.0).astype(np.float32)
    # Cell j is about the pixels [j * step, (j + 1) * step): as resizing has it.
    edges = round(left * step), round(top * step), min(round(right * step), width), min(round(bottom * step), height)
    size = max(round((right - left) * step), 1), max(round((bottom - top) * step), 1)
    smooth = cv2.resize(part, size, interpolation=cv2.INTER_LINEAR)[: edges[3] - edges[1], : edges[2] - edges[0]]
    grown = round(_GROWN * max(1.0, min(1 / scale, 2.0)))
    solid = _with_corners((smooth > HIDDEN).astype(np.uint8))
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * grown + 1, 2 * grown + 1))
    opacity = cv2.GaussianBlur(cv2.dilate(solid, kernel).astype(np.float32), (0, 0), 0.4 * grown)
    opacity = np.minimum(opacity, 1.0)  # of ones the blur makes a little more
    opacity[opacity < 0.02] = 0.0
    rows, columns = np.flatnonzero(solid.any(axis=1)), np.flatnonzero(solid.any(axis=0))
    if not len(rows):
        rows, columns = np.array([0, solid.shape[0] - 1]), np.array([0, solid.shape[1] - 1])
    y_from, y_to = max(int(rows[0]) - grown, 0), min(int(rows[-1]) + 1 + grown, solid.shape[0])
    x_from, x_to = max(int(columns[0]) - grown, 0), min(int(columns[-1]) + 1 + grown, solid.shape[1])
    box = edges[0] + x_from, edges[1] + y_from, edges[0] + x_to, edges[1] + y_to
    return Region(box, min(score, 1.0), np.ascontiguousarray(opacity[y_from:y_to, x_from:x_to]))


def _same(one: Rectangle, other: Rectangle) -> bool:
    wide = min(one[2], other[2]) - max(one[0], other[0])
    high = min(one[3], other[3]) - max(one[1], other[1])
    if wide <= 0 or high <= 0:
        return False
    smaller = min((box[2] - box[0]) * (box[3] - box[1]) for box in (one, other))
    return wide * high > _SAME * smaller
