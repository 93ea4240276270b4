"""Pixels along the two axes of a batch of pictures, and what is separable: one small matrix a side.

Pixel `j` of a row has its centre at `j + 0.5`.
"""

from __future__ import annotations

import tensorflow as tf


def sides(pictures: tf.Tensor) -> tuple[int | tf.Tensor, int | tf.Tensor]:
    """Returns height and width: numbers where they are known, tensors where not."""
    dynamic = tf.shape(pictures)
    height, width = pictures.shape[1], pictures.shape[2]
    return (dynamic[1] if height is None else height, dynamic[2] if width is None else width)


def centres(length: int | tf.Tensor) -> tf.Tensor:
    """Returns float32 `(length,)`: where the centres of the pixels of an axis lie."""
    return tf.range(length, dtype=tf.float32) + 0.5


def separable(rows: tf.Tensor, columns: tf.Tensor, pictures: tf.Tensor) -> tf.Tensor:
    """Returns `rows @ picture @ columns^T` for each picture and channel.

    Args:
        rows: float32 `(batch, new height, height)`.
        columns: float32 `(batch, new width, width)`.
        pictures: `(batch, height, width, channels)`.
    """
    pictures = tf.cast(pictures, tf.float32)
    shape = tf.shape(pictures)
    flat = tf.reshape(pictures, [shape[0], shape[1], shape[2] * shape[3]])  # [B, H, W*C]
    narrowed = tf.reshape(rows @ flat, [shape[0], tf.shape(rows)[1], shape[2], shape[3]])  # -> [B, H', W, C]
    return columns[:, None] @ narrowed  # -> [B, H', W', C]


def to_uint8(values: tf.Tensor) -> tf.Tensor:
    """Rounds to uint8, within [0, 255]."""
    return tf.saturate_cast(tf.round(values), tf.uint8)
