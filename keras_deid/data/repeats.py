"""How often photographs come in an epoch: those with large faces several times."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from typing import TypeVar

import numpy as np
import tensorflow as tf

from keras_deid.data.photographs import DrawnPhotographs, Photographs, PhotographStream
from keras_deid.data.record_stream import RecordStream
from keras_deid.data.restorer_batches import LARGE
from keras_deid.errors import UserError

_T = TypeVar("_T")

REPEATS = 4
"""How often a large face is seen in an epoch; most photographs have small ones."""


def with_repeats(photographs: Photographs) -> Photographs:
    """Lists photographs with large faces several times.

    Of a stream, all records are read once to count them; scenes that are not kept are all drawn once.

    Raises:
        UserError: if a record is damaged.
    """
    if isinstance(photographs, PhotographStream):
        return PhotographStream(photographs.stream.repeated(_repeats), _count(photographs.stream))
    widths = (float(photograph.faces[0][2] - photograph.faces[0][0]) for photograph in photographs)
    often = [REPEATS if width > LARGE else 1 for width in widths]
    if isinstance(photographs, DrawnPhotographs):
        return DrawnPhotographs(photographs.read_at, list(_repeated(photographs.numbers, often)))
    return list(_repeated(photographs, often))


def _repeated(items: Iterable[_T], often: Iterable[int]) -> Iterator[_T]:
    return itertools.chain.from_iterable(
        itertools.repeat(item, times) for item, times in zip(items, often, strict=True)
    )


def _repeats(first_box: tf.Tensor) -> tf.Tensor:
    return tf.where(first_box[2] - first_box[0] > LARGE, tf.constant(REPEATS, tf.int64), 1)


def _count(stream: RecordStream) -> int:
    try:
        return int(stream.first_boxes().map(_repeats).reduce(np.int64(0), lambda total, times: total + times))
    except tf.errors.OpError as error:
        raise UserError(
            f"the training data are damaged ({error.message.splitlines()[0]}); prepare the photographs again"
        ) from error
