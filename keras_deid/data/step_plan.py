"""Which pictures a training step takes: a function of (seed, step) alone, so that a run continues at any step."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import tensorflow as tf

PREFETCHED_BATCHES = 4
_WORKERS = 2

ALL_ROWS = slice(None)
"""Every picture of a batch. A worker among several makes its own part of the same batches."""


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
    return steps.map(batch, num_parallel_calls=_WORKERS, deterministic=True).prefetch(PREFETCHED_BATCHES)
