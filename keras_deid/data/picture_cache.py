"""Pictures kept in memory, and windows cut out of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from keras_deid.data.sources import Size


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
        with tf.device("/cpu:0"):
            return cls(*map(tf.constant, packed(examples)))

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


def packed(examples: Iterable[tuple[np.ndarray, np.ndarray]]) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Returns the parts of a `PictureCache` in its order, from pictures and their boxes."""
    pictures, boxes = zip(*examples, strict=True)
    sizes = np.array([picture.shape[:2] for picture in pictures], np.int32)
    areas = sizes.astype(np.int64).prod(axis=1)
    pixels = np.concatenate([picture.reshape(-1, picture.shape[2]) for picture in pictures])
    return pixels, np.cumsum(areas) - areas, sizes, padded_boxes(boxes)


def padded_boxes(boxes: Sequence[np.ndarray]) -> np.ndarray:
    """Returns float32 `(pictures, faces, 4)`: filled up with boxes without area."""
    padded = np.zeros((len(boxes), max(map(len, boxes)), 4), np.float32)
    for row, some in zip(padded, boxes, strict=True):
        row[: len(some)] = some
    return padded


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
