"""The pictures of the training split, in memory where they fit."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import tensorflow as tf

from keras_deid.config import DataConfig
from keras_deid.data.covering import cover
from keras_deid.data.picture_cache import PictureCache
from keras_deid.data.sources import Example, Size, no_pictures, open_source
from keras_deid.errors import UserError

CACHE_LIMIT = 2_000_000_000
"""Bytes of resized training pictures that are kept in memory. A larger split of a prepared data set is streamed; drawn
scenes and pairs, which Python reads, are kept whatever their size: `tf.data` may hang at exit while it calls Python."""


def load_size(data: DataConfig) -> Size:
    """Returns the (height, width) that training pictures are resized to before they are cut."""
    height, width = data.image_size
    return round(height * data.load_scale), round(width * data.load_scale)


@dataclass(frozen=True)
class TrainingPictures:
    """The training split, ready to be cut into batches.

    Attributes:
        count: how many pictures there are.
        stored: the pictures in memory, or the examples to read again in every epoch.
        paths: what names each of the pictures in memory.
    """

    count: int
    stored: PictureCache | tf.data.Dataset
    paths: tuple[str, ...] = ()

    @classmethod
    def in_memory(cls, examples: Iterable[Example], data: DataConfig, channels: int) -> TrainingPictures:
        """Resizes examples to `load_size` and keeps the first channels of their pictures in memory."""
        size = load_size(data)
        covering = [cover(example, size) for example in examples]
        cache = PictureCache.load((example.picture[..., :channels], example.boxes) for example in covering)
        return cls(len(covering), cache, tuple(example.path for example in covering))

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
    if source.stream is not None and count * size[0] * size[1] * source.channels > cache_limit:
        return TrainingPictures(count, source.stream)
    return TrainingPictures.in_memory(source.read("train"), data, source.channels)
