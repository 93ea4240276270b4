"""Batches of examples that are made of photographs, one of each, in NumPy."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from keras_deid.data.photographs import Photograph, Photographs, PhotographStream
from keras_deid.data.sources import all_boxes
from keras_deid.data.step_plan import (
    ALL_ROWS,
    PREFETCHED_BATCHES,
    PYTHON_WORKERS,
    Plan,
    batches_by_step,
    picture_numbers,
)

MakeExample = Callable[[Photograph, np.random.Generator], tuple[np.ndarray, ...]]
"""(photograph, what the example depends on) -> the arrays of the example."""


def photograph_batches(
    photographs: Photographs,
    make: MakeExample,
    shapes: Sequence[tuple[int, ...]],
    dtypes: Sequence[type],
    *,
    batch_size: int,
    seed: int,
    start_step: int = 0,
    rows: slice = ALL_ROWS,
) -> tf.data.Dataset:
    """Returns the batches of a training run from `start_step` on, without end; of each batch, its `rows`.

    A batch is a function of `(seed, step)`; only a stream, which shuffles records as they come, has others than the
    same photographs in memory.

    Args:
        photographs: from `load_photographs`, at least a batch of them.
        make: makes an example.
        shapes: of its arrays.
        dtypes: of its arrays.
        batch_size: examples in a batch.
        seed: of all that is drawn.
        start_step: first step, counted over all epochs.
        rows: the part of each batch that is made.
    """
    plan = Plan(len(photographs) // batch_size, batch_size, seed, start_step, rows)
    if isinstance(photographs, PhotographStream):
        return _streamed(photographs, make, shapes, dtypes, plan)

    def make_batch(step: int) -> tuple[np.ndarray, ...]:
        numbers = picture_numbers(step, len(photographs), batch_size, seed)
        examples = [make(photographs[numbers[row]], _generator(plan, step, row)) for row in plan.own]
        return tuple(np.stack(part) for part in zip(*examples, strict=True))

    return batches_by_step(make_batch, [(len(plan.own), *shape) for shape in shapes], dtypes, start_step)


def _streamed(
    photographs: PhotographStream,
    make: MakeExample,
    shapes: Sequence[tuple[int, ...]],
    dtypes: Sequence[type],
    plan: Plan,
) -> tf.data.Dataset:
    types = [tf.as_dtype(dtype) for dtype in dtypes]
    stream = photographs.stream

    def decoded(number: tf.Tensor, record: tf.Tensor) -> tuple[tf.Tensor, ...]:
        example = stream.decode(record)
        return number, example["path"], example["image"], all_boxes(example)

    def in_numpy(number: Any, path: bytes, pixels: np.ndarray, faces: np.ndarray) -> tuple[np.ndarray, ...]:
        photograph = Photograph(path.decode("utf-8", "backslashreplace"), pixels, faces)
        return make(photograph, _generator(plan, *divmod(int(number), plan.batch_size)))

    def example(*parts: tf.Tensor) -> tuple[tf.Tensor, ...]:
        made = tf.numpy_function(in_numpy, parts, types, stateful=False)
        return tuple(tf.ensure_shape(part, shape) for part, shape in zip(made, shapes, strict=True))

    examples = (
        stream.numbered(plan)
        .map(decoded, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)
        .map(example, num_parallel_calls=PYTHON_WORKERS, deterministic=True)
    )
    return examples.batch(len(plan.own), drop_remainder=True).prefetch(PREFETCHED_BATCHES)


def _generator(plan: Plan, step: int, row: int) -> np.random.Generator:
    return np.random.default_rng([plan.seed, step, row])
