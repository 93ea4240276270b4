"""Restores the regions of pictures: cut out, restored at their own detail, put back."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import cv2
import numpy as np

from keras_deid.data.crops import Square, cut_square, square_about
from keras_deid.data.flat import fill_flat
from keras_deid.data.images import resize_image
from keras_deid.restoring.found import Region
from keras_deid.restoring.model import PictureModel
from keras_deid.restoring.whole import fit_back, fit_into

BATCH_SIZE = 32
"""Crops that the model restores at a time."""
_LARGER = 1.5
"""A region is restored in detail once more when its square has more than this many times the pixels on a side."""
_LEAST_FILLED = 8
"""Pixels: smaller regions look flat whatever they show."""
_STEP = 2
"""Factor between two levels of detail."""
_OVERLAP = 4
"""Neighbouring tiles share a part of so many of their side."""

Settle = Callable[[int, np.ndarray, np.ndarray], np.ndarray]
"""Number of a region among those of all pictures, the square that the model saw, its answer -> what is put back."""


def keep_answer(index: int, seen: np.ndarray, answer: np.ndarray) -> np.ndarray:
    """Puts the model's answer back as it is."""
    return answer


def restore_regions(
    model: PictureModel,
    pictures: Sequence[np.ndarray],
    regions: Sequence[Sequence[Region]],
    settle: Settle = keep_answer,
) -> list[np.ndarray]:
    """Restores the regions of several pictures.

    Each region is restored at the model's size first. Where it is larger in the picture, the answer is enlarged twice
    and the model adds the detail that this lacks, tile by tile, until the region has its own size.

    Args:
        model: what restores; in one that is not square, a square lies in the middle with its edge repeated.
        pictures: uint8 `(height, width, 3)`, RGB; are not changed.
        regions: of each picture; where two overlap, the later one lies on top.
        settle: has the last word on each restored square, before it is put back.

    Returns:
        Pictures of the same shapes. Pixels outside the regions are the same.
    """
    flat = [(number, region) for number, found in enumerate(regions) for region in found]
    size = min(model.size)
    results = [picture.copy() if found else picture for picture, found in zip(pictures, regions, strict=True)]
    for start in range(0, len(flat), BATCH_SIZE):
        batch = flat[start : start + BATCH_SIZE]
        squares = [square_about(region.box, model.context) for _, region in batch]
        crops = [
            _seen(pictures[number], region, square, size)
            for (number, region), square in zip(batch, squares, strict=True)
        ]
        answers = _restore_both_ways(model, [fit_into(crop, model.size) for crop in crops])
        for index, ((number, region), square, answer) in enumerate(zip(batch, squares, answers, strict=True)):
            detailed = _add_detail(model, pictures[number], region, square, fit_back(answer, (size, size)))
            _put_back(results[number], region, square, settle(start + index, crops[index], detailed))
    return results


def _seen(picture: np.ndarray, region: Region, square: Square, size: int) -> np.ndarray:
    """Returns what the model sees of a region; a flat one, large enough to be called so, is filled from around it."""
    crop = cut_square(picture, square, size)
    x0, y0, x1, y1 = region.box
    if min(x1 - x0, y1 - y0) < _LEAST_FILLED:
        return crop
    return fill_flat(crop, _resized_opacity(region, square, size))


def restore_crops(model: PictureModel, crops: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Restores any number of crops, uint8 `(*model.size, 3)` each."""
    answers: list[np.ndarray] = []
    for start in range(0, len(crops), BATCH_SIZE):
        answers.extend(model.restore(np.stack(crops[start : start + BATCH_SIZE])))
    return answers


def _restore_both_ways(model: PictureModel, crops: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Restores crops as they are and mirrored, and returns the means.

    What the model knows of a face is the same in both answers, what it made up is not. Detail is not restored this way:
    all of it is made up, and a mean of two answers has less.

    Reference:
        [Lim et al., 2017](https://arxiv.org/abs/1707.02921), section 3.4, self-ensemble; of its eight views these two
        show upright faces.
    """
    both = restore_crops(model, [*crops, *(np.ascontiguousarray(crop[:, ::-1]) for crop in crops)])
    pairs = zip(both[: len(crops)], both[len(crops) :], strict=True)
    return [np.round((one.astype(np.float32) + other[:, ::-1]) / 2).astype(np.uint8) for one, other in pairs]


def _add_detail(
    model: PictureModel, picture: np.ndarray, region: Region, square: Square, answer: np.ndarray
) -> np.ndarray:
    """Returns the square restored at a size near its own."""
    size = model.size[0]
    if not model.adds_detail:
        return answer
    while square.side > _LARGER * answer.shape[0]:
        side = _STEP * answer.shape[0]
        inside = _resized_opacity(region, square, side)[..., None]
        enlarged = cv2.resize(answer, (side, side), interpolation=cv2.INTER_CUBIC)
        around = cut_square(picture, square, side)
        blurred = np.round(around + inside * (enlarged.astype(np.float32) - around)).astype(np.uint8)
        answer = _restore_tiles(model, blurred, inside[..., 0], size)
    return answer


def _restore_tiles(model: PictureModel, picture: np.ndarray, inside: np.ndarray, size: int) -> np.ndarray:
    """Restores a picture that is larger than the model's in tiles that overlap; leaves out tiles without a region."""
    overlap = size // _OVERLAP
    starts = _starts(picture.shape[0], size, overlap)
    places = [
        (top, left) for top in starts for left in starts if inside[top : top + size, left : left + size].max() > 0
    ]
    tiles = [picture[top : top + size, left : left + size] for top, left in places]
    ramp = np.minimum(np.arange(size) + 1, np.arange(size)[::-1] + 1) / (overlap + 1)
    weight = np.minimum(ramp, 1.0)[:, None] * np.minimum(ramp, 1.0)[None, :]
    total = np.zeros((*picture.shape[:2], 1), np.float32)
    result = np.zeros(picture.shape, np.float32)
    for (top, left), tile in zip(places, restore_crops(model, tiles), strict=True):
        result[top : top + size, left : left + size] += weight[..., None].astype(np.float32) * tile
        total[top : top + size, left : left + size] += weight[..., None].astype(np.float32)
    return np.where(total > 0, np.round(result / np.maximum(total, 1e-6)), picture).astype(np.uint8)


def _starts(length: int, size: int, overlap: int) -> list[int]:
    count = -(-(length - overlap) // (size - overlap))
    return [round(index * (length - size) / max(count - 1, 1)) for index in range(count)]


def _resized_opacity(region: Region, square: Square, side: int) -> np.ndarray:
    x0, y0, x1, y1 = region.box
    full = np.zeros((square.side, square.side), np.float32)
    opacity = np.ones((y1 - y0, x1 - x0), np.float32) if region.opacity is None else region.opacity
    top, left = y0 - square.top, x0 - square.left
    full[top : top + y1 - y0, left : left + x1 - x0] = opacity
    return np.clip(resize_image(full, (side, side)), 0.0, 1.0)  # cubic interpolation goes beyond


def _put_back(picture: np.ndarray, region: Region, square: Square, answer: np.ndarray) -> None:
    """Replaces the region's pixels, and no others."""
    x0, y0, x1, y1 = region.box
    own_size = resize_image(answer, (square.side, square.side))
    restored = own_size[y0 - square.top : y1 - square.top, x0 - square.left : x1 - square.left]
    below = picture[y0:y1, x0:x1]
    if region.opacity is None:
        below[:] = restored
    else:
        below[:] = np.round(below + region.opacity[..., None] * (restored.astype(np.float32) - below)).astype(np.uint8)
