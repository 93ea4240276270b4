"""Photographs of a split with their faces, at their own resolution, in memory where they fit."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from keras_deid.config import DataConfig
from keras_deid.data.record_stream import RecordStream
from keras_deid.data.sources import ORIGINAL_CHANNELS, Example, Size, Source, no_pictures, open_source
from keras_deid.data.training_pictures import CACHE_LIMIT
from keras_deid.errors import UserError

DRAWN_SCALE = 2
"""Drawn scenes have no resolution of their own: they are drawn so many times as large as the networks' pictures."""


@dataclass(frozen=True)
class Photograph:
    """A photograph, or a part of one, as it is stored.

    Attributes:
        path: what names it.
        pixels: uint8 `(height, width, 3)`, RGB.
        faces: float32 `(faces, 4)`, boxes in pixels, the face that the example is about first.
    """

    path: str
    pixels: np.ndarray
    faces: np.ndarray


class DrawnPhotographs(Sequence[Photograph]):
    """Photographs that are drawn each time that they are asked for.

    Args:
        read_at: draws the example of a number.
        numbers: those that belong here, in order.
    """

    def __init__(self, read_at: Callable[[int], Example], numbers: Sequence[int]) -> None:
        self.read_at = read_at
        self.numbers = numbers

    def __len__(self) -> int:
        return len(self.numbers)

    def __getitem__(self, index):  # type: ignore[no-untyped-def]  # its slices are of no use here
        return _photograph(self.read_at(int(self.numbers[index])))


@dataclass(frozen=True)
class PhotographStream:
    """Photographs that are read from records, anew in every epoch.

    Attributes:
        stream: the records.
        count: of photographs in an epoch.
    """

    stream: RecordStream
    count: int

    def __len__(self) -> int:
        return self.count


Photographs = Sequence[Photograph] | PhotographStream


def load_photographs(data: DataConfig, cache_limit: int = CACHE_LIMIT) -> Photographs:
    """Reads the photographs of the training split and keeps them in memory if they fit.

    Args:
        data: where they are; a prepared data set or drawn scenes.
        cache_limit: bytes of pixels to keep in memory at most.

    Raises:
        UserError: as `read_photographs`.
    """
    source, size = _open(data)
    count = source.counts["train"]
    if source.read_at is not None and count * size[0] * size[1] * ORIGINAL_CHANNELS > cache_limit:
        return DrawnPhotographs(source.read_at, range(count))
    stream = source.stream
    if stream is not None and stream.size > cache_limit:  # pixels take more than their records
        return PhotographStream(stream, count)
    photographs, taken = [], 0
    for photograph in _read(source, data, "train"):
        photographs.append(photograph)
        taken += photograph.pixels.nbytes
        if stream is not None and taken > cache_limit:
            return PhotographStream(stream, count)
    return photographs


def read_photographs(data: DataConfig, split: str) -> Iterator[Photograph]:
    """Yields the photographs of a split, one by one, in a stable order.

    Args:
        data: where they are; a prepared data set or drawn scenes.
        split: `"train"`, `"val"` or `"test"`.

    Raises:
        UserError: if the data cannot be opened or read, are pairs, or the split is empty.
    """
    source, _ = _open(data)
    yield from _read(source, data, split)


def count_photographs(data: DataConfig, split: str) -> int:
    """Returns the number of photographs of a split.

    Raises:
        UserError: as `read_photographs`.
    """
    source, _ = _open(data)
    if not source.counts[split]:
        raise UserError(no_pictures(data, split, "lower the fractions"))
    return source.counts[split]


def _open(data: DataConfig) -> tuple[Source, Size]:
    """Opens the source; returns it and the (height, width) of drawn scenes."""
    if data.source not in ("prepared", "synthetic"):
        raise UserError(f"data.source={data.source}: expected photographs (prepared or synthetic)")
    side = DRAWN_SCALE * max(data.image_size)
    return open_source(data, (side, side)), (side, side)


def _read(source: Source, data: DataConfig, split: str) -> Iterator[Photograph]:
    if not source.counts[split]:
        raise UserError(no_pictures(data, split, "lower the fractions"))
    yield from map(_photograph, source.read(split))


def _photograph(example: Example) -> Photograph:
    return Photograph(example.path, np.ascontiguousarray(example.picture[..., :ORIGINAL_CHANNELS]), example.boxes)
