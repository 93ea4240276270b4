"""Batches for training and evaluation: decode, resize, keep in memory, cut at random, de-identify.

The pictures of a split are decoded and resized once and kept as bytes in memory. A training batch is then a function of
`(seed, step)` alone: the step's number gives the epoch, a permutation of the epoch gives the pictures, and stateless
random numbers give where they are cut, whether they are mirrored and how strong the mosaic is. A run that continues
at any step therefore sees what an uninterrupted one would have seen, and pays nothing for the steps it leaves out.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import cv2
import numpy as np
import tensorflow as tf

from keras_deid.config import DataConfig, DeidentifyConfig
from keras_deid.data.deidentify import deidentify, scale_boxes, strength_in_pixels
from keras_deid.data.prepared import PreparedDataset
from keras_deid.data.synthetic import synthetic_examples
from keras_deid.errors import UserError


class Source(Protocol):
    """A data set with splits: a prepared one, drawn scenes, pairs."""

    def examples(self, split: str) -> tf.data.Dataset:
        """Returns the dicts of one split, in a stable order."""


@dataclass(frozen=True)
class SyntheticSource:
    """Drawn scenes as a finite data set.

    Attributes:
        size: side of the drawn pictures, in pixels.
        counts: number of scenes for each split.
        seed: of the whole set.
    """

    size: int
    counts: dict[str, int]
    seed: int

    def examples(self, split: str) -> tf.data.Dataset:
        """Returns the scenes of one split."""
        return synthetic_examples(split, self.size, count=self.counts[split], seed=self.seed)


def open_source(data: DataConfig, size: tuple[int, int]) -> Source:
    """Opens what `data` describes.

    Args:
        data: the configuration.
        size: (height, width) that drawn pictures have to cover, in pixels.

    Raises:
        UserError: if there is nothing that can be used at `data.path`.
    """
    if data.source == "synthetic":
        counts = {"train": data.synthetic.train, "val": data.synthetic.val, "test": data.synthetic.test}
        return SyntheticSource(max(size), counts, data.synthetic.seed)
    assert data.path is not None, "the configuration was validated"
    return PreparedDataset.open(data.path)


def load_size(data: DataConfig) -> tuple[int, int]:
    """Returns the (height, width) that training pictures are resized to before they are cut."""
    height, width = data.image_size
    return round(height * data.load_scale), round(width * data.load_scale)


@dataclass(frozen=True)
class PictureCache:
    """The pictures of a split in memory, each resized to cover one size.

    Attributes:
        pixels: uint8 `(all pixels, channels)`; the pictures one after the other, row by row.
        starts: int64 `(pictures,)`, a picture's first pixel.
        sizes: int32 `(pictures, 2)`, (height, width).
        boxes: float32 `(pictures, 4)`, in pixels of the resized picture.
    """

    pixels: tf.Tensor
    starts: tf.Tensor
    sizes: tf.Tensor
    boxes: tf.Tensor

    @classmethod
    def load(cls, pictures: Iterable[tuple[np.ndarray, np.ndarray]]) -> PictureCache:
        """Keeps (picture uint8 `(height, width, channels)`, box) pairs."""
        parts, boxes = [], []
        for picture, box in pictures:
            parts.append(picture)
            boxes.append(box)
        sizes = np.array([part.shape[:2] for part in parts], np.int32).reshape(-1, 2)
        areas = sizes.astype(np.int64).prod(axis=1)
        with tf.device("/cpu:0"):
            return cls(
                pixels=tf.constant(np.concatenate([part.reshape(-1, part.shape[2]) for part in parts])),
                starts=tf.constant(np.cumsum(areas) - areas),
                sizes=tf.constant(sizes),
                boxes=tf.constant(np.array(boxes, np.float32).reshape(-1, 4)),
            )

    def __len__(self) -> int:
        return int(self.starts.shape[0])

    def cut(
        self, index: tf.Tensor, draws: tf.Tensor, size: tuple[int, int], flip: bool
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Cuts a window out of each picture, mirrored or not.

        The window holds the whole box wherever it can.

        Args:
            index: int `(batch,)`, which pictures.
            draws: float32 `(3, batch)` in [0, 1): top, left, mirrored below 0.5.
            size: (height, width) of the window.
            flip: whether to mirror at all.

        Returns:
            uint8 `(batch, height, width, channels)`, and the boxes in it, float32 `(batch, 4)`.
        """
        boxes, sizes = tf.gather(self.boxes, index), tf.gather(self.sizes, index)
        top = _window_start(draws[0], size[0], sizes[:, 0], boxes[:, 1], boxes[:, 3])
        left = _window_start(draws[1], size[1], sizes[:, 1], boxes[:, 0], boxes[:, 2])
        mirrored = draws[2] < (0.5 if flip else 0.0)
        rows = tf.range(size[0]) + top[:, None]
        columns = tf.range(size[1])
        columns = tf.where(mirrored[:, None], size[1] - 1 - columns, columns) + left[:, None]
        row_starts = tf.gather(self.starts, index)[:, None] + tf.cast(rows * sizes[:, 1:], tf.int64)
        pictures = tf.gather(self.pixels, row_starts[:, :, None] + tf.cast(columns, tf.int64)[:, None, :])
        shift = tf.cast(tf.stack([left, top, left, top], axis=1), tf.float32)
        return pictures, _mirror_boxes(boxes - shift, mirrored, size[1])


def steps_per_epoch(count: int, batch_size: int) -> int:
    """Returns the number of whole batches in `count` pictures.

    Raises:
        UserError: if there is not even one.
    """
    if count < batch_size:
        raise UserError(
            f"the training split has {count} pictures, fewer than training.batch_size={batch_size}: "
            "add pictures or lower the batch size"
        )
    return count // batch_size


def load_training_pictures(data: DataConfig) -> PictureCache:
    """Decodes and resizes the training split."""
    size = load_size(data)
    source = open_source(data, size)
    return PictureCache.load(
        _cover(example["image"], example["box"], size) for example in source.examples("train").as_numpy_iterator()
    )


def training_batches(
    pictures: PictureCache,
    data: DataConfig,
    deidentify_config: DeidentifyConfig,
    *,
    batch_size: int,
    seed: int,
    start_step: int = 0,
) -> tf.data.Dataset:
    """Returns the batches of a training run from step `start_step` on, without end.

    An epoch has `steps_per_epoch` batches; the few pictures that do not fill a batch are others in each epoch.

    Args:
        pictures: from `load_training_pictures`.
        data: sizes and augmentation.
        deidentify_config: what hides the face.
        batch_size: pictures in a batch.
        seed: of everything that is drawn.
        start_step: first step, counted over all epochs.

    Returns:
        data set of (x, y, mask): uint8 `(batch, height, width, 3)`, the same, float32 `(batch, height, width, 1)`.
    """
    steps = steps_per_epoch(len(pictures), batch_size)
    height, width = data.image_size

    def batch(step: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        index = _epoch_order(step, steps, batch_size, len(pictures), seed)
        draws = _draws(step, (4, batch_size), seed)
        y, boxes = pictures.cut(index, draws[:3], (height, width), data.flip)
        low, high = deidentify_config.train_block
        strength = strength_in_pixels(low + (high - low) * draws[3], boxes, deidentify_config.unit)
        x, mask = deidentify(y, boxes, strength, **_how(deidentify_config))
        return x, y, mask

    batches = tf.data.Dataset.range(start_step, np.iinfo(np.int64).max)
    return batches.map(batch, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True).prefetch(4)


def evaluation_examples(
    data: DataConfig, deidentify_config: DeidentifyConfig, split: str, batch_size: int
) -> tf.data.Dataset:
    """Returns the pictures of a split in a stable order, without augmentation.

    The whole stored picture is resized to `data.image_size`; where the shapes differ, it is resized to cover that size
    and cut around the middle, or as near to it as keeps the face inside.

    Args:
        data: source and sizes.
        deidentify_config: what hides the face, at the fixed strength `evaluate_block`.
        split: `"train"`, `"val"` or `"test"`.
        batch_size: pictures in a batch; the last one may have fewer.

    Returns:
        data set of dicts of batches: `x`, `y` uint8 `(batch, height, width, 3)`; `mask` float32 and `person` uint8
        `(batch, height, width, 1)`; `has_person` bool `(batch,)`; `box` (the face) and `region` (what is de-identified),
        float32 `(batch, 4)`; `block`, float32 `(batch,)`, in pixels; `path`, string `(batch,)`.
    """
    height, width = data.image_size
    source = open_source(data, data.image_size)

    def examples() -> Iterator[dict[str, Any]]:
        for example in source.examples(split).as_numpy_iterator():
            channels = np.dstack([example["image"], example["person"]])
            picture, box = _cut_middle(*_cover(channels, example["box"], data.image_size), data.image_size)
            yield {
                "y": picture[..., :3],
                "person": picture[..., 3:],
                "has_person": example["has_person"],
                "box": box,
                "path": example["path"],
            }

    def hide(batch: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        y, boxes = batch["y"], batch["box"]
        block = strength_in_pixels(deidentify_config.evaluate_block, boxes, deidentify_config.unit)
        x, mask = deidentify(y, boxes, block, **_how(deidentify_config))
        region = scale_boxes(boxes, deidentify_config.scale, height, width)
        return {**batch, "x": x, "mask": mask, "block": block, "region": region}

    signature = {
        "y": tf.TensorSpec((height, width, 3), tf.uint8),
        "person": tf.TensorSpec((height, width, 1), tf.uint8),
        "has_person": tf.TensorSpec((), tf.bool),
        "box": tf.TensorSpec((4,), tf.float32),
        "path": tf.TensorSpec((), tf.string),
    }
    dataset = tf.data.Dataset.from_generator(examples, output_signature=signature)
    return dataset.batch(batch_size).map(hide).prefetch(1)


def _how(config: DeidentifyConfig) -> dict[str, Any]:
    return {"method": config.method, "shape": config.shape, "scale": config.scale}


def _epoch_order(step: tf.Tensor, steps: int, batch_size: int, count: int, seed: int) -> tf.Tensor:
    """Returns int64 `(batch_size,)`: the pictures of a step, by a permutation of their numbers for each epoch."""
    epoch = step // steps
    place = (step % steps) * batch_size + tf.range(batch_size, dtype=tf.int64)
    key = tf.stack([tf.constant(seed, tf.int64), epoch])
    return tf.random.experimental.index_shuffle(place, key, tf.constant(count - 1, tf.int64))


def _draws(step: tf.Tensor, shape: tuple[int, ...], seed: int) -> tf.Tensor:
    """Returns float32 in [0, 1) that depend on seed and step only."""
    key = tf.stack([tf.constant(seed, tf.int64), step])
    return tf.random.stateless_uniform(shape, key, alg="philox")


def _window_start(draw: tf.Tensor, window: int, length: tf.Tensor, start: tf.Tensor, stop: tf.Tensor) -> tf.Tensor:
    """Returns int32 `(batch,)`: where a window on an axis begins so that it holds `start` to `stop`."""
    room = tf.cast(length - window, tf.float32)
    lowest, highest = tf.math.ceil(stop) - window, tf.floor(start)
    middle = tf.floor((start + stop - window) / 2)
    fits = lowest <= highest
    lowest = tf.clip_by_value(tf.where(fits, lowest, middle), 0.0, room)
    highest = tf.clip_by_value(tf.where(fits, highest, middle), 0.0, room)
    return tf.cast(tf.minimum(lowest + tf.floor(draw * (highest - lowest + 1)), highest), tf.int32)


def _mirror_boxes(boxes: tf.Tensor, mirrored: tf.Tensor, width: int) -> tf.Tensor:
    x0, y0, x1, y1 = tf.unstack(boxes, axis=1)
    return tf.where(mirrored[:, None], tf.stack([width - x1, y0, width - x0, y1], axis=1), boxes)


def _cover(picture: np.ndarray, box: np.ndarray, size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Resizes a picture, keeping its shape, to the smallest that covers (height, width); the box with it."""
    height, width = picture.shape[:2]
    factor = max(size[0] / height, size[1] / width)
    new_height, new_width = max(size[0], round(height * factor)), max(size[1], round(width * factor))
    scale = np.array([new_width / width, new_height / height] * 2, np.float32)
    return _resize(picture, new_height, new_width), box * scale


def _resize(picture: np.ndarray, height: int, width: int) -> np.ndarray:
    """Resizes by pixel area when shrinking (no aliasing), bicubic when enlarging."""
    if picture.shape[:2] == (height, width):
        return picture
    shrinks = height * width < picture.shape[0] * picture.shape[1]
    return cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC)


def _cut_middle(picture: np.ndarray, box: np.ndarray, size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Cuts (height, width) around the middle, moved as little as keeps the box inside."""
    top = _middle_start(picture.shape[0], size[0], box[1], box[3])
    left = _middle_start(picture.shape[1], size[1], box[0], box[2])
    shift = np.array([left, top, left, top], np.float32)
    return picture[top : top + size[0], left : left + size[1]], box - shift


def _middle_start(length: int, window: int, start: float, stop: float) -> int:
    lowest, highest = math.ceil(stop) - window, math.floor(start)
    if lowest > highest:
        lowest = highest = math.floor((start + stop - window) / 2)
    return int(np.clip(np.clip((length - window) // 2, lowest, highest), 0, length - window))
