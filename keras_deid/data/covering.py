"""Resizing pictures so that they cover a size, and cutting that size out of their middle."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import tensorflow as tf

from keras_deid.data.images import resize_image
from keras_deid.data.sources import Example, Size


def cover(example: Example, size: Size) -> Example:
    """Resizes an example, keeping its shape, to the smallest picture that covers (height, width)."""
    height, width = example.picture.shape[:2]
    factor = max(size[0] / height, size[1] / width)
    new_height, new_width = max(size[0], round(height * factor)), max(size[1], round(width * factor))
    scale = np.array([new_width / width, new_height / height] * 2, np.float32)
    picture = resize_image(example.picture, (new_height, new_width))
    return dataclasses.replace(example, picture=picture, boxes=example.boxes * scale)


def cover_in_graph(picture: tf.Tensor, boxes: tf.Tensor, size: Size) -> tuple[tf.Tensor, tf.Tensor]:
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


def cut_middle(example: Example, size: Size) -> Example:
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
