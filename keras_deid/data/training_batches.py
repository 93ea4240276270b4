"""Batches for training: cut at random, de-identify.

The pictures of a split are decoded and resized once and kept as bytes in memory. A training batch is then a function of
`(seed, step)` alone: the step's number gives the epoch, a permutation for each epoch gives the pictures, and stateless
random numbers give where they are cut, whether they are mirrored and how strong the mosaic is. A run that continues
at any step therefore sees what an uninterrupted one would have seen, and pays nothing for the steps it leaves out.
Splits that are too large for that are read again in every epoch. Pairs and drawn scenes are read one by one, so that
the batches are the same as from memory. Records are shuffled as they come; a run that continues then reads on from the
start of its epoch.
"""

from __future__ import annotations

from collections.abc import Callable

import tensorflow as tf

from keras_deid.config import DataConfig, DeidentifyConfig
from keras_deid.data.covering import cover_in_graph
from keras_deid.data.deidentify import strength_in_pixels
from keras_deid.data.picture_cache import PictureCache
from keras_deid.data.record_stream import RecordStream
from keras_deid.data.sources import ORIGINAL_CHANNELS, Size, all_boxes
from keras_deid.data.step_plan import ALL_ROWS, Plan
from keras_deid.data.training_pictures import PictureReader, TrainingPictures, load_size
from keras_deid.data.x_y_mask import Batch, x_y_mask
from keras_deid.errors import UserError

PREFETCHED_BATCHES = 4


def steps_per_epoch(pictures: int, batch_size: int) -> int:
    """Returns the number of whole batches in so many pictures.

    Raises:
        UserError: if there is not even one.
    """
    if pictures < batch_size:
        raise UserError(
            f"the training split has {pictures} pictures, fewer than training.batch_size={batch_size}: "
            "add pictures, or lower the batch size"
        )
    return pictures // batch_size


def training_batches(
    pictures: TrainingPictures,
    data: DataConfig,
    deidentify: DeidentifyConfig,
    *,
    batch_size: int,
    seed: int,
    start_step: int = 0,
    rows: slice = ALL_ROWS,
) -> tf.data.Dataset:
    """Returns the batches of a training run from step `start_step` on, without end.

    Augmentation is that of [Pix2Pix](https://arxiv.org/abs/1611.07004), section 6.2: resize to `data.load_scale` times
    the size, cut out the size, mirror every second picture. Two things differ: pictures keep their shape when they are
    resized, and the cut keeps the whole face (of a pair: the region) in view wherever it can.

    An epoch has `steps_per_epoch` batches; the few pictures that do not fill a batch are others in each epoch.

    Args:
        pictures: from `load_training_pictures`, for the same `data`.
        data: sizes and augmentation.
        deidentify: what hides the faces; not used for pairs.
        batch_size: pictures in a batch.
        seed: of all that is drawn.
        start_step: first step, counted over all epochs.
        rows: the part of each batch that is made.

    Returns:
        data set of (x, y, mask): uint8 `(batch, height, width, 3)`, the same, float32 `(batch, height, width, 1)`.

    Raises:
        UserError: if there are fewer pictures than a batch has.
    """
    windows = training_windows(pictures, data, batch_size=batch_size, seed=seed, start_step=start_step, rows=rows)

    def batch(cut: tf.Tensor, boxes: tf.Tensor, draws: tf.Tensor) -> Batch:
        low, high = deidentify.train_block_size
        strength = strength_in_pixels((low + (high - low) * draws)[:, None], boxes, deidentify.unit)
        return x_y_mask(cut, boxes, strength, deidentify)

    return windows.map(batch, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True).prefetch(PREFETCHED_BATCHES)


def training_windows(
    pictures: TrainingPictures,
    data: DataConfig,
    *,
    batch_size: int,
    seed: int,
    start_step: int = 0,
    rows: slice = ALL_ROWS,
) -> tf.data.Dataset:
    """Returns what `training_batches` cuts, before anything is hidden.

    Returns:
        data set of (pictures, boxes, draws): uint8 `(batch, height, width, channels)`, float32 `(batch, faces, 4)` in
        pixels, float32 `(batch,)` in [0, 1) for what else is drawn.
    """
    plan = Plan(steps_per_epoch(len(pictures), batch_size), batch_size, seed, start_step, rows)
    stored = pictures.stored
    if isinstance(stored, RecordStream):
        return _streamed_windows(stored, data, plan)
    steps = _numbered_steps(len(pictures), plan)
    cut = _from_reader(stored, data) if isinstance(stored, PictureReader) else stored.windows

    def windows(step: tf.Tensor, index: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        draws = tf.random.stateless_uniform((plan.batch_size, 4), plan.key(step), alg="philox")[plan.rows]
        cut_out, boxes = cut(index[plan.rows], draws[:, :3], data.image_size, flip=data.flip)
        return cut_out, boxes, draws[:, 3]

    return steps.map(windows, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)


def _numbered_steps(count: int, plan: Plan) -> tf.data.Dataset:
    """Returns (step, numbers of its pictures) from the plan's first step on."""

    def epoch_steps(epoch: tf.Tensor) -> tf.data.Dataset:
        order = tf.random.experimental.stateless_shuffle(tf.range(count), plan.key(epoch), alg="philox")
        order = tf.reshape(order[: plan.steps * plan.batch_size], (plan.steps, plan.batch_size))
        first = epoch * plan.steps
        steps = tf.data.Dataset.from_tensor_slices(order).enumerate(first)
        return steps.skip(tf.maximum(plan.start_step - first, 0))

    return plan.epochs().flat_map(epoch_steps)


def _from_reader(reader: PictureReader, data: DataConfig) -> Callable[..., tuple[tf.Tensor, tf.Tensor]]:
    """Returns what cuts windows as `PictureCache.windows` does, from pictures that are read for it."""
    size = load_size(data)

    def windows(index: tf.Tensor, draws: tf.Tensor, window: Size, *, flip: bool) -> tuple[tf.Tensor, tf.Tensor]:
        types = (tf.uint8, tf.int64, tf.int32, tf.float32)
        parts = tf.numpy_function(lambda index: reader.packed(index, size), [index], types, stateful=False)
        shapes = ((None, reader.channels), (None,), (None, 2), (None, None, 4))
        batch = PictureCache(*(tf.ensure_shape(part, shape) for part, shape in zip(parts, shapes, strict=True)))
        return batch.windows(tf.range(tf.shape(index)[0]), draws, window, flip=flip)

    return windows


def _streamed_windows(stream: RecordStream, data: DataConfig, plan: Plan) -> tf.data.Dataset:
    """Returns the same from records, which each epoch reads again in another order."""

    def window(number: tf.Tensor, record: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        example = stream.decode(record)
        picture, boxes = cover_in_graph(example["image"], all_boxes(example), load_size(data))
        draws = tf.random.stateless_uniform((1, 4), plan.key(number), alg="philox")
        pixels, size = tf.reshape(picture, (-1, ORIGINAL_CHANNELS)), tf.shape(picture)[:2]
        alone = PictureCache(pixels, tf.zeros(1, tf.int64), size[None], boxes[None])
        windows, boxes = alone.windows(tf.zeros(1, tf.int64), draws[:, :3], data.image_size, flip=data.flip)
        return windows[0], boxes[0], draws[0, 3]

    windows = stream.numbered(plan).map(window, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)
    return windows.padded_batch(len(plan.own), drop_remainder=True)
