"""The grid of blocks of a mosaic: which block a pixel is in, and the mean of each block.

Blocks are counted from the region's upper left corner and need not be whole pixels.
"""

from __future__ import annotations

import tensorflow as tf

from keras_deid.data.pixel_axes import centres, separable
from keras_deid.data.regions import inside

SLIVER = 1e-3
"""A last block thinner than this fraction of a block joins its neighbour: width / 5 makes 5 blocks, not 6."""


def block_index(length: int | tf.Tensor, start: tf.Tensor, stop: tf.Tensor, block: tf.Tensor) -> tf.Tensor:
    """Returns int32 `(batch, length)`: which block each pixel of an axis is in, -1 outside the region."""
    block = tf.maximum(block, 1.0)
    last = tf.maximum(tf.math.ceil((stop - start) / block - SLIVER), 1.0) - 1.0
    index = tf.floor((centres(length) - start[:, None]) / block[:, None])
    index = tf.cast(tf.minimum(index, last[:, None]), tf.int32)
    return tf.where(inside(length, start, stop), index, -1)


def membership(index: tf.Tensor) -> tf.Tensor:
    """Returns float32 `(batch, blocks, length)`: 1 where a pixel is in a block."""
    blocks = tf.maximum(tf.reduce_max(index) + 1, 1)
    return tf.cast(index[:, None, :] == tf.range(blocks)[None, :, None], tf.float32)


def block_means(pictures: tf.Tensor, rows: tf.Tensor, columns: tf.Tensor) -> tf.Tensor:
    """Returns float32 `(batch, block rows, block columns, channels)`: the most that any picture has, 0 where empty."""
    row_weights, column_weights = membership(rows), membership(columns)
    row_weights /= tf.maximum(tf.reduce_sum(row_weights, axis=2, keepdims=True), 1.0)
    column_weights /= tf.maximum(tf.reduce_sum(column_weights, axis=2, keepdims=True), 1.0)
    return separable(row_weights, column_weights, pictures)
