"""Batches for training and evaluation: resize, keep in memory, cut at random, de-identify.

The pictures of a split are decoded and resized once and kept as bytes in memory. A training batch is then a function of
`(seed, step)` alone: the step's number gives the epoch, a permutation for each epoch gives the pictures, and stateless
random numbers give where they are cut, whether they are mirrored and how strong the mosaic is. A run that continues
at any step therefore sees what an uninterrupted one would have seen, and pays nothing for the steps it leaves out.
Splits that are too large for that are read again in every epoch; a run that continues then reads on from the start of
its epoch.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from keras_deid.config import DataConfig, DeidentifyConfig
from keras_deid.data.deidentify import deidentify as hide_regions
from keras_deid.data.deidentify import strength_in_pixels
from keras_deid.data.images import resize_image
from keras_deid.data.sources import ORIGINAL_CHANNELS, PAIR_CHANNELS, Example, Size, all_boxes, open_source
from keras_deid.errors import UserError

CACHE_LIMIT = 2_000_000_000
"""Bytes of resized training pictures that are kept in memory. A larger split of a prepared data set is streamed; drawn
scenes and pairs, which Python reads, are kept whatever their size: `tf.data` may hang at exit while it calls Python."""

SHUFFLED_EXAMPLES = 2048
"""When streaming: examples among which the next one is drawn."""

PREFETCHED_BATCHES = 4

Batch = tuple[tf.Tensor, tf.Tensor, tf.Tensor]


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
        covering = [_cover(example, size) for example in examples]
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
        raise UserError(_no_pictures(data, "train", "lower the shares"))
    if source.stream is not None and count * size[0] * size[1] * source.channels > cache_limit:
        return TrainingPictures(count, source.stream)
    return TrainingPictures.in_memory(source.read("train"), data, source.channels)


def _no_pictures(data: DataConfig, split: str, way_out: str) -> str:
    if data.source != "unpaired_folders":
        return f"the {split} split of {data.path or data.source} is empty: add pictures, or {way_out}"
    if split == "train":
        return f"{data.path}: trainA and trainB are no pairs; set training.method=unpaired, or give pairs"
    return (
        f"{data.path}: {split}A and {split}B have no picture of the same name, so that nothing can be compared; add "
        "some, or evaluate on other data"
    )


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

    Returns:
        data set of (x, y, mask): uint8 `(batch, height, width, 3)`, the same, float32 `(batch, height, width, 1)`.

    Raises:
        UserError: if there are fewer pictures than a batch has.
    """
    windows = training_windows(pictures, data, batch_size=batch_size, seed=seed, start_step=start_step)

    def batch(cut: tf.Tensor, boxes: tf.Tensor, draws: tf.Tensor) -> Batch:
        low, high = deidentify.train_block
        strength = strength_in_pixels((low + (high - low) * draws)[:, None], boxes, deidentify.unit)
        return _x_y_mask(cut, boxes, strength, deidentify)

    return windows.map(batch, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True).prefetch(PREFETCHED_BATCHES)


def training_windows(
    pictures: TrainingPictures, data: DataConfig, *, batch_size: int, seed: int, start_step: int = 0
) -> tf.data.Dataset:
    """Returns what `training_batches` cuts, before anything is hidden.

    Returns:
        data set of (pictures, boxes, draws): uint8 `(batch, height, width, channels)`, float32 `(batch, faces, 4)` in
        pixels, float32 `(batch,)` in [0, 1) for what else is drawn.
    """
    plan = _Plan(steps_per_epoch(len(pictures), batch_size), batch_size, seed, start_step)
    if isinstance(pictures.stored, PictureCache):
        return _cached_windows(pictures.stored, data, plan)
    return _streamed_windows(pictures.stored, data, plan)


def evaluation_examples(data: DataConfig, deidentify: DeidentifyConfig, split: str, batch_size: int) -> tf.data.Dataset:
    """Returns the pictures of a split in a stable order, without augmentation.

    The whole stored picture is resized to `data.image_size`; where the shapes differ, it is resized to cover that size
    and cut around the middle, or as near to it as keeps the face in view. The split is read once and kept in memory.

    Args:
        data: source and sizes.
        deidentify: what hides the faces, at the fixed strength `evaluate_block`; not used for pairs.
        split: `"train"`, `"val"` or `"test"`.
        batch_size: pictures in a batch; the last one may have fewer.

    Returns:
        data set of dicts of batches: `x`, `y` uint8 `(batch, height, width, 3)`; `mask` float32 and `person` uint8
        `(batch, height, width, 1)`, 0 or 1; `has_person` bool `(batch,)`; `box` float32 `(batch, 4)`, the face (of a
        pair: what surrounds the region); `boxes` float32 `(batch, faces, 4)`, all that were de-identified, `box` first,
        those that only fill up without area; `block` float32 `(batch,)`, mosaic block or blur sigma of `box` in pixels,
        0 if it is not known; `path` string `(batch,)`.

    Raises:
        UserError: if the data cannot be opened or read, or the split is empty.
    """
    source = open_source(data, data.image_size)
    if not source.counts[split]:
        raise UserError(_no_pictures(data, split, "choose another split"))
    examples = [_cut_middle(_cover(example, data.image_size), data.image_size) for example in source.read(split)]
    stored = {
        "picture": np.stack([example.picture for example in examples]),
        "boxes": _padded([example.boxes for example in examples]),
        "has_person": np.array([example.has_person for example in examples]),
        "path": np.array([example.path for example in examples]),
    }

    def batch(stored: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        picture, boxes = stored["picture"], stored["boxes"]
        strength = strength_in_pixels(deidentify.evaluate_block, boxes, deidentify.unit)
        x, y, mask = _x_y_mask(picture, boxes, strength, deidentify)
        is_pair = picture.shape[-1] == PAIR_CHANNELS
        return {
            "x": x,
            "y": y,
            "mask": mask,
            "person": tf.zeros_like(picture[..., :1]) if is_pair else picture[..., 3:],
            "has_person": stored["has_person"],
            "box": boxes[:, 0],
            "boxes": boxes,
            "block": tf.zeros_like(strength[:, 0]) if is_pair else strength[:, 0],
            "path": stored["path"],
        }

    with tf.device("/cpu:0"):
        return tf.data.Dataset.from_tensor_slices(stored).batch(batch_size).map(batch).prefetch(1)


@dataclass(frozen=True)
class PictureCache:
    """Pictures in memory, from which windows are cut by number.

    Attributes:
        pixels: uint8 `(all pixels, channels)`; the pictures one after the other, row by row.
        starts: int64 `(pictures,)`, a picture's first pixel.
        sizes: int32 `(pictures, 2)`, (height, width).
        boxes: float32 `(pictures, faces, 4)`, in pixels; those that only fill up have no area.
    """

    pixels: tf.Tensor
    starts: tf.Tensor
    sizes: tf.Tensor
    boxes: tf.Tensor

    @classmethod
    def load(cls, examples: Iterable[tuple[np.ndarray, np.ndarray]]) -> PictureCache:
        """Keeps pictures, uint8 `(height, width, channels)`, and their boxes, float32 `(faces, 4)`."""
        pictures, boxes = zip(*examples, strict=True)
        sizes = np.array([picture.shape[:2] for picture in pictures], np.int32)
        areas = sizes.astype(np.int64).prod(axis=1)
        with tf.device("/cpu:0"):
            return cls(
                pixels=tf.constant(np.concatenate([picture.reshape(-1, picture.shape[2]) for picture in pictures])),
                starts=tf.constant(np.cumsum(areas) - areas),
                sizes=tf.constant(sizes),
                boxes=tf.constant(_padded(boxes)),
            )

    def select(self, index: np.ndarray) -> PictureCache:
        """Returns the pictures of these numbers; they stay where they are."""
        return PictureCache(self.pixels, *(tf.gather(part, index) for part in (self.starts, self.sizes, self.boxes)))

    def windows(self, index: tf.Tensor, draws: tf.Tensor, size: Size, *, flip: bool) -> tuple[tf.Tensor, tf.Tensor]:
        """Cuts a window out of each of some pictures, mirrored or not.

        The window holds the whole first box wherever it can, and lies within it where the box is the larger one.

        Args:
            index: int `(batch,)`, which pictures.
            draws: float32 `(batch, 3)` in [0, 1): for top, left, and mirrored (below 0.5).
            size: (height, width) of the window; no larger than any picture.
            flip: whether to mirror at all.

        Returns:
            uint8 `(batch, height, width, channels)`, and the boxes in the windows, float32 `(batch, faces, 4)`.
        """
        height, width = size
        boxes, sizes = tf.gather(self.boxes, index), tf.gather(self.sizes, index)
        top = _window_start(draws[:, 0], height, sizes[:, 0], boxes[:, 0, 1], boxes[:, 0, 3])
        left = _window_start(draws[:, 1], width, sizes[:, 1], boxes[:, 0, 0], boxes[:, 0, 2])
        mirrored = draws[:, 2] < (0.5 if flip else 0.0)
        rows = tf.range(height) + top[:, None]
        columns = tf.where(mirrored[:, None], tf.range(width - 1, -1, -1), tf.range(width)) + left[:, None]
        row_starts = tf.gather(self.starts, index)[:, None] + tf.cast(rows * sizes[:, 1:], tf.int64)
        pictures = tf.gather(self.pixels, row_starts[:, :, None] + tf.cast(columns, tf.int64)[:, None, :])
        shift = tf.cast(tf.stack([left, top, left, top], axis=1), tf.float32)
        return pictures, _mirror_boxes(boxes - shift[:, None], mirrored, width)


@dataclass(frozen=True)
class _Plan:
    """What decides which pictures a training batch has."""

    steps: int
    batch_size: int
    seed: int
    start_step: int


def _cached_windows(cache: PictureCache, data: DataConfig, plan: _Plan) -> tf.data.Dataset:
    """Returns (pictures, boxes, draws for the strength) of each step from the plan's first one on."""
    count = cache.starts.shape[0]

    def epoch_steps(epoch: tf.Tensor) -> tf.data.Dataset:
        order = tf.random.experimental.stateless_shuffle(tf.range(count), _key(plan.seed, epoch), alg="philox")
        order = tf.reshape(order[: plan.steps * plan.batch_size], (plan.steps, plan.batch_size))
        first = epoch * plan.steps
        steps = tf.data.Dataset.from_tensor_slices(order).enumerate(first)
        return steps.skip(tf.maximum(plan.start_step - first, 0))

    def windows(step: tf.Tensor, index: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        draws = tf.random.stateless_uniform((plan.batch_size, 4), _key(plan.seed, step), alg="philox")
        pictures, boxes = cache.windows(index, draws[:, :3], data.image_size, flip=data.flip)
        return pictures, boxes, draws[:, 3]

    steps = _epochs(plan).flat_map(epoch_steps)
    return steps.map(windows, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)


def _epochs(plan: _Plan) -> tf.data.Dataset:
    return tf.data.Dataset.range(plan.start_step // plan.steps, np.iinfo(np.int32).max)


def _streamed_windows(examples: tf.data.Dataset, data: DataConfig, plan: _Plan) -> tf.data.Dataset:
    """Returns the same without keeping the pictures: each epoch reads them again and shuffles among neighbours."""
    epoch_length = plan.steps * plan.batch_size

    def epoch_examples(epoch: tf.Tensor) -> tf.data.Dataset:
        tf.random.set_seed(1)  # of this function's graph alone: the order depends on no global seed
        order = tf.random.stateless_uniform((), _key(plan.seed, epoch), None, None, tf.int64, alg="philox")
        first = epoch * epoch_length
        numbered = examples.shuffle(SHUFFLED_EXAMPLES, seed=order).take(epoch_length).enumerate(first)
        return numbered.skip(tf.maximum(plan.start_step * plan.batch_size - first, 0))

    def window(number: tf.Tensor, example: dict[str, tf.Tensor]) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        picture, boxes = _cover_in_graph(example["image"], all_boxes(example), load_size(data))
        draws = tf.random.stateless_uniform((1, 4), _key(plan.seed, number), alg="philox")
        pixels, size = tf.reshape(picture, (-1, ORIGINAL_CHANNELS)), tf.shape(picture)[:2]
        alone = PictureCache(pixels, tf.zeros(1, tf.int64), size[None], boxes[None])
        windows, boxes = alone.windows(tf.zeros(1, tf.int64), draws[:, :3], data.image_size, flip=data.flip)
        return windows[0], boxes[0], draws[0, 3]

    shuffled = _epochs(plan).flat_map(epoch_examples)
    windows = shuffled.map(window, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)
    return windows.padded_batch(plan.batch_size, drop_remainder=True)


def _cover_in_graph(picture: tf.Tensor, boxes: tf.Tensor, size: Size) -> tuple[tf.Tensor, tf.Tensor]:
    """Does in a graph what `_cover` does to one example."""
    old = tf.cast(tf.shape(picture)[:2], tf.float32)
    new = tf.maximum(tf.round(old * tf.reduce_max(size / old)), size)
    new_size = tf.cast(new, tf.int32)
    resized = tf.cond(
        tf.reduce_all(new <= old),
        lambda: tf.image.resize(picture, new_size, "area"),
        lambda: tf.image.resize(picture, new_size, "bicubic"),
    )
    scale = tf.reverse(new / old, [0])
    return tf.saturate_cast(tf.round(resized), tf.uint8), boxes * tf.concat([scale, scale], axis=0)


def _x_y_mask(pictures: tf.Tensor, boxes: tf.Tensor, strength: tf.Tensor, deidentify: DeidentifyConfig) -> Batch:
    """Parts pairs; de-identifies every face of other pictures.

    Args:
        pictures: uint8 `(batch, height, width, channels)`, as in `Example`; the person mask may be missing.
        boxes: float32 `(batch, faces, 4)`, in pixels.
        strength: float32 `(batch, faces)`, in pixels.
        deidentify: how.
    """
    if pictures.shape[-1] == PAIR_CHANNELS:
        return pictures[..., :3], pictures[..., 3:6], tf.cast(pictures[..., 6:], tf.float32)
    y = pictures[..., :3]
    x, mask = y, tf.zeros_like(y[..., :1], tf.float32)
    for face in tf.range(tf.shape(boxes)[1]):
        x, region = hide_regions(
            x,
            boxes[:, face],
            strength[:, face],
            method=deidentify.method,
            shape=deidentify.shape,
            scale=deidentify.scale,
        )
        mask = tf.maximum(mask, region)
    return x, y, mask


def _key(seed: int, number: tf.Tensor) -> tf.Tensor:
    return tf.stack([tf.constant(seed, tf.int64), number])


def _window_start(draw: tf.Tensor, window: int, length: tf.Tensor, start: tf.Tensor, stop: tf.Tensor) -> tf.Tensor:
    """Returns int32 `(batch,)`: where a window on an axis begins that holds `start` to `stop`, or lies within."""
    first, last = tf.math.ceil(stop) - window, tf.floor(start)
    room = tf.cast(length - window, tf.float32)
    lowest = tf.clip_by_value(tf.minimum(first, last), 0.0, room)
    highest = tf.clip_by_value(tf.maximum(first, last), 0.0, room)
    return tf.cast(tf.minimum(lowest + tf.floor(draw * (highest - lowest + 1)), highest), tf.int32)


def _mirror_boxes(boxes: tf.Tensor, mirrored: tf.Tensor, width: int) -> tf.Tensor:
    x0, y0, x1, y1 = tf.unstack(boxes, axis=2)
    return tf.where(mirrored[:, None, None], tf.stack([width - x1, y0, width - x0, y1], axis=2), boxes)


def _cover(example: Example, size: Size) -> Example:
    """Resizes an example, keeping its shape, to the smallest picture that covers (height, width)."""
    height, width = example.picture.shape[:2]
    factor = max(size[0] / height, size[1] / width)
    new_height, new_width = max(size[0], round(height * factor)), max(size[1], round(width * factor))
    scale = np.array([new_width / width, new_height / height] * 2, np.float32)
    picture = resize_image(example.picture, (new_height, new_width))
    return dataclasses.replace(example, picture=picture, boxes=example.boxes * scale)


def _cut_middle(example: Example, size: Size) -> Example:
    """Cuts (height, width) around the middle, moved as little as keeps the first box in view."""
    height, width = example.picture.shape[:2]
    x0, y0, x1, y1 = example.boxes[0]
    top, left = _middle_start(height, size[0], y0, y1), _middle_start(width, size[1], x0, x1)
    shift = np.array([left, top, left, top], np.float32)
    picture = example.picture[top : top + size[0], left : left + size[1]]
    return dataclasses.replace(example, picture=picture, boxes=example.boxes - shift)


def _middle_start(length: int, window: int, start: float, stop: float) -> int:
    lowest, highest = sorted((math.ceil(stop) - window, math.floor(start)))
    return int(np.clip(np.clip((length - window) // 2, lowest, highest), 0, length - window))


def _padded(boxes: Sequence[np.ndarray]) -> np.ndarray:
    """Returns float32 `(pictures, faces, 4)`: filled up with boxes without area."""
    padded = np.zeros((len(boxes), max(map(len, boxes)), 4), np.float32)
    for row, some in zip(padded, boxes, strict=True):
        row[: len(some)] = some
    return padded
