"""Adds the detail that a restored square lacks at its size in the picture: tile by tile, twice as large at a time.

The tiles of many regions go through the model together.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import cv2
import numpy as np

from keras_deid.data.crops import Square, cut_square
from keras_deid.data.images import resize_image
from keras_deid.restoring.crop_batches import restore_crops
from keras_deid.restoring.found import Region
from keras_deid.restoring.model import PictureModel

_LARGER = 1.5
"""A region is restored in detail once more when its square has more than this many times the pixels on a side."""
_STEP = 2
"""Factor between two levels of detail."""
_COARSE = 2.0
"""Standard deviation, in pixels of a tile: what a blur by so much leaves is no detail, and stays."""
_OVERLAP = 4
"""Neighbouring tiles share a part of so many of their side, or more."""


class Place(NamedTuple):
    """A region and where it is.

    Attributes:
        picture: uint8 `(height, width, 3)`.
        region: of the picture.
        square: around the region.
    """

    picture: np.ndarray
    region: Region
    square: Square


def add_detail(model: PictureModel, places: Sequence[Place], answers: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Restores squares at sizes near their own.

    Args:
        model: what restores; where it has not learned to add detail, the answers stay as they are.
        places: where the squares come from.
        answers: their restored squares, uint8 `(side, side, 3)`, as large as a square that the model takes.

    Returns:
        For each square uint8 `(side, side, 3)`, with a side of its own.
    """
    detailed = list(answers)
    if not model.adds_detail:
        return detailed
    while larger := [
        index for index, place in enumerate(places) if place.square.side > _LARGER * detailed[index].shape[0]
    ]:
        tiled = (_Tiled(*_enlarged(places[index], detailed[index]), model.size[0]) for index in larger)
        for index, answer in zip(larger, _restore_tiled(model, tiled), strict=True):
            detailed[index] = answer
    return detailed


def resized_opacity(region: Region, square: Square, side: int) -> np.ndarray:
    """Returns how much of each pixel of a square is replaced, float32 `(side, side)` in [0, 1]."""
    x0, y0, x1, y1 = region.box
    full = np.zeros((square.side, square.side), np.float32)
    opacity = np.ones((y1 - y0, x1 - x0), np.float32) if region.opacity is None else region.opacity
    top, left = y0 - square.top, x0 - square.left
    full[top : top + y1 - y0, left : left + x1 - x0] = opacity
    return np.clip(resize_image(full, (side, side)), 0.0, 1.0)  # cubic interpolation goes beyond


def _enlarged(place: Place, answer: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns the next larger square, in which the region lacks detail, and what of it the region is."""
    side = _STEP * answer.shape[0]
    inside = resized_opacity(place.region, place.square, side)
    enlarged = cv2.resize(answer, (side, side), interpolation=cv2.INTER_CUBIC)
    around = cut_square(place.picture, place.square, side)
    blurred = around + inside[..., None] * (enlarged.astype(np.float32) - around)
    return np.round(blurred).astype(np.uint8), inside


def with_detail_of(answer: np.ndarray, tile: np.ndarray) -> np.ndarray:
    """Returns a tile with the detail of an answer; what is coarser stays as the smaller size had it.

    A model that sees a blurred sleeve alone would paint a small face there.

    Args:
        answer: uint8 `(height, width, 3)`.
        tile: what the model saw, of the same shape.

    Returns:
        float32 of the same shape, in [0, 255].
    """
    change = answer.astype(np.float32) - tile
    change -= cv2.GaussianBlur(change, (0, 0), _COARSE)
    return np.clip(tile + change, 0.0, 255.0)


def _restore_tiled(model: PictureModel, pictures: Iterable[_Tiled]) -> Iterator[np.ndarray]:
    """Yields the restored pictures; few are in memory at a time, however many there are."""
    begun: deque[_Tiled] = deque()

    def tiles() -> Iterator[np.ndarray]:
        for picture in pictures:
            begun.append(picture)
            yield from picture.tiles()

    for answer in restore_crops(model, tiles()):
        begun[0].put_back(answer)
        if begun[0].is_complete:
            yield begun.popleft().restored()


class _Tiled:
    """A picture that is restored in tiles which overlap.

    Args:
        picture: uint8 `(side, side, 3)`, larger than a tile.
        inside: float32 `(side, side)`; tiles lie where it is above 0, which it is somewhere.
        size: side of a tile.
    """

    def __init__(self, picture: np.ndarray, inside: np.ndarray, size: int) -> None:
        self._picture = picture
        self._corners = [
            (top, left)
            for top in _starts(inside.max(axis=1) > 0, size)
            for left in _starts(inside.max(axis=0) > 0, size)
            if inside[top : top + size, left : left + size].max() > 0
        ]
        self._size = size
        ramp = np.minimum(np.arange(size) + 1, np.arange(size)[::-1] + 1) / (size // _OVERLAP + 1)
        ramp = np.minimum(ramp, 1.0).astype(np.float32)
        self._weight = (ramp[:, None] * ramp[None, :])[..., None]
        self._answers: list[np.ndarray] = []

    def tiles(self) -> Iterator[np.ndarray]:
        """Yields the tiles, uint8 `(size, size, 3)`."""
        return (self._picture[self._at(corner)] for corner in self._corners)

    def put_back(self, answer: np.ndarray) -> None:
        """Takes the answer to the next tile."""
        tile = self._picture[self._at(self._corners[len(self._answers)])]
        self._answers.append(with_detail_of(answer, tile))

    @property
    def is_complete(self) -> bool:
        """Whether all answers are there."""
        return len(self._answers) == len(self._corners)

    def restored(self) -> np.ndarray:
        """Returns the picture with all answers in it; where they overlap, one fades into the other."""
        total = np.zeros((*self._picture.shape[:2], 1), np.float32)
        result = np.zeros(self._picture.shape, np.float32)
        for corner, answer in zip(self._corners, self._answers, strict=True):
            result[self._at(corner)] += self._weight * answer
            total[self._at(corner)] += self._weight
        return np.where(total > 0, np.round(result / np.maximum(total, 1e-6)), self._picture).astype(np.uint8)

    def _at(self, corner: tuple[int, int]) -> tuple[slice, slice]:
        top, left = corner
        return np.s_[top : top + self._size, left : left + self._size]


def _starts(covered: np.ndarray, size: int) -> list[int]:
    """Returns where tiles begin on an axis: as few as cover what is covered, with it in their middle.

    Args:
        covered: bool `(length,)`, true somewhere.
        size: of a tile, at most the length.
    """
    (where,) = np.nonzero(covered)
    first, last, length = int(where[0]), int(where[-1]) + 1, len(covered)
    step = size - size // _OVERLAP
    count = max(-(-(last - first - size) // step), 0) + 1
    reach = min(size + (count - 1) * step, length)
    start = min(max((first + last - reach) // 2, 0), length - reach)
    return [start + round(index * (reach - size) / max(count - 1, 1)) for index in range(count)]
