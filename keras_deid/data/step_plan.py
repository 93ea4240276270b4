"""Which pictures a training step takes: a function of (seed, step) alone, so that a run continues at any step."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import tensorflow as tf

PREFETCHED_BATCHES = 4
PYTHON_WORKERS = 2
"""Threads that make batches, or examples, in NumPy; more would wait for Python's lock."""

ALL_ROWS = slice(None)
"""Every picture of a batch. A worker among several makes its own part of the same batches."""


@dataclass(frozen=True)
class Plan:
    """What decides which pictures a training batch has.

    Attributes:
        steps: of an epoch.
        batch_size: pictures in a batch.
        seed: of all that is drawn.
        start_step: first step, counted over all epochs.
        rows: the part of each batch that is made.
    """

    steps: int
    batch_size: int
    seed: int
    start_step: int
    rows: slice

    @property
    def own(self) -> range:
        """The numbers of the rows that are made."""
        return range(self.batch_size)[self.rows]

    def epochs(self) -> tf.data.Dataset:
        """Returns the numbers of the epochs, from the one of the first step on."""
        return tf.data.Dataset.range(self.start_step // self.steps, np.iinfo(np.int32).max)

    def key(self, number: tf.Tensor) -> tf.Tensor:
        """Returns a seed for stateless random numbers, another one for each int64."""
        return tf.stack([tf.constant(self.seed, tf.int64), number])


def picture_numbers(step: int, pictures: int, batch_size: int, seed: int) -> np.ndarray:
    """Returns the numbers of the pictures of a step: each epoch is a permutation, cut into whole batches.

    Args:
        step: counted over all epochs, from 0.
        pictures: in the split, at least `batch_size`.
        batch_size: pictures in a step.
        seed: of the permutations.
    """
    epoch, place = divmod(step, pictures // batch_size)
    order = np.random.default_rng([seed, epoch]).permutation(pictures)
    return order[place * batch_size : (place + 1) * batch_size]


def batches_by_step(
    make: Callable[[int], tuple[np.ndarray, ...]],
    shapes: Sequence[tuple[int | None, ...]],
    dtypes: Sequence[type],
    start_step: int,
) -> tf.data.Dataset:
    """Makes batches in NumPy, a few steps ahead of the training.

    Args:
        make: step -> the arrays of its batch.
        shapes: of the arrays.
        dtypes: of the arrays.
        start_step: the first step.
    """
    types = [tf.as_dtype(dtype) for dtype in dtypes]

    def batch(step: tf.Tensor) -> tuple[tf.Tensor, ...]:
        parts = tf.numpy_function(lambda number: make(int(number)), [step], types, stateful=False)
        return tuple(tf.ensure_shape(part, shape) for part, shape in zip(parts, shapes, strict=True))

    steps = tf.data.Dataset.range(start_step, tf.int64.max)
    return steps.map(batch, num_parallel_calls=PYTHON_WORKERS, deterministic=True).prefetch(PREFETCHED_BATCHES)
