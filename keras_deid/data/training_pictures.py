"""The pictures of the training split, in memory where they fit."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from keras_deid.config import DataConfig
from keras_deid.data.covering import cover
from keras_deid.data.picture_cache import PictureCache, packed
from keras_deid.data.record_stream import RecordStream
from keras_deid.data.sources import Example, Size, no_pictures, open_source
from keras_deid.errors import UserError

CACHE_LIMIT = 2_000_000_000
"""Bytes of resized training pictures that are kept in memory. A larger split is read again in every epoch."""


def load_size(data: DataConfig) -> Size:
    """Returns the (height, width) that training pictures are resized to before they are cut."""
    height, width = data.image_size
    return round(height * data.load_scale), round(width * data.load_scale)


@dataclass(frozen=True)
class PictureReader:
    """Pictures that are read, or drawn, when a batch needs them.

    `tf.data` calls Python for that. Iterators over such batches must be gone before Python ends, as those of a loop in
    a function are; a thread of `tf.data` that calls Python afterwards aborts the process.

    Attributes:
        read_at: reads the example of a number.
        numbers: int64, those that belong here, in order.
        channels: how many of a picture's channels are used.
    """

    read_at: Callable[[int], Example]
    numbers: np.ndarray
    channels: int

    def select(self, index: np.ndarray) -> PictureReader:
        """Returns the pictures at these places."""
        return dataclasses.replace(self, numbers=self.numbers[index])

    def packed(self, index: np.ndarray, size: Size) -> tuple[np.ndarray, ...]:
        """Reads pictures, resized to cover `size`; see `keras_deid.data.picture_cache.packed`."""
        covering = (cover(self.read_at(int(number)), size) for number in self.numbers[index])
        return packed((example.picture[..., : self.channels], example.boxes) for example in covering)


@dataclass(frozen=True)
class TrainingPictures:
    """The training split, ready to be cut into batches.

    Attributes:
        count: how many pictures there are.
        stored: the pictures in memory, or where to read them again in every epoch.
        paths: what names each of the pictures; empty for a stream, whose records say it.
    """

    count: int
    stored: PictureCache | PictureReader | RecordStream
    paths: tuple[str, ...] = ()

    @classmethod
    def in_memory(cls, examples: Iterable[Example], data: DataConfig, channels: int) -> TrainingPictures:
        """Resizes examples to `load_size` and keeps the first channels of their pictures in memory."""
        size = load_size(data)
        covering = [cover(example, size) for example in examples]
        cache = PictureCache.load((example.picture[..., :channels], example.boxes) for example in covering)
        return cls(len(covering), cache, tuple(example.path for example in covering))

    @classmethod
    def on_demand(cls, read_at: Callable[[int], Example], paths: Sequence[str], channels: int) -> TrainingPictures:
        """Reads the pictures when batches need them."""
        return cls(len(paths), PictureReader(read_at, np.arange(len(paths)), channels), tuple(paths))

    def __len__(self) -> int:
        return self.count


def load_training_pictures(data: DataConfig, cache_limit: int = CACHE_LIMIT) -> TrainingPictures:
    """Decodes the training split, resizes it to `load_size` and keeps it in memory if it fits.

    Args:
        data: source and sizes.
        cache_limit: bytes of pictures to keep in memory at most.

    Raises:
        UserError: if the data cannot be opened or read, or there are no training pictures.
    """
    size = load_size(data)
    source = open_source(data, size)
    count = source.counts["train"]
    if not count:
        raise UserError(no_pictures(data, "train", "lower the fractions"))
    if count * size[0] * size[1] * source.channels > cache_limit:
        if source.stream is not None:
            return TrainingPictures(count, source.stream)
        if source.read_at is not None:
            return TrainingPictures.on_demand(source.read_at, source.paths(), source.channels)
    return TrainingPictures.in_memory(source.read("train"), data, source.channels)
