"""Smooth enlargement of the block means of a mosaic: what it gives away without any learning."""

from __future__ import annotations

from typing import Literal

import tensorflow as tf

from keras_deid.data.mosaic_grid import block_index, block_means, membership
from keras_deid.data.pixel_axes import centres, separable, sides, to_uint8
from keras_deid.data.regions import put_into

Kernel = Literal["bilinear", "bicubic"]


def block_means_enlarged(pictures: tf.Tensor, regions: tf.Tensor, block: tf.Tensor, kernel: Kernel) -> tf.Tensor:
    """Fills each region with its block means, enlarged smoothly: what a mosaic gives away without any learning.

    The grid of means (rounded to integers, as `mosaic` shows them) is interpolated so that each mean lies at the
    centre of the pixels that it is the mean of. For whole blocks these centres are evenly spaced and the result is
    the ordinary enlargement; for blocks of broken sizes, or cut at the region's far sides, the spacing follows the
    pixels and the kernel is stretched with it. Beyond the outermost centres the kernel is normalised over the grid.

    Args:
        pictures: uint8 `(batch, height, width, channels)`: the originals (or, with rectangular regions, their mosaics,
            which have the same means).
        regions: float32 `(batch, 4)`, in pixels.
        block: float32 `(batch,)`, side of a block in pixels; at least 1 is used.
        kernel: `"bilinear"`, or `"bicubic"` with a = -0.5
            ([Keys, 1981](https://doi.org/10.1109/TASSP.1981.1163711), eq. 4 and 15).

    Returns:
        uint8 of the same shape; pixels outside the region are untouched.
    """
    height, width = sides(pictures)
    rows = block_index(height, regions[:, 1], regions[:, 3], block)
    columns = block_index(width, regions[:, 0], regions[:, 2], block)
    means = tf.round(block_means(pictures, rows, columns))
    enlarged = separable(_enlarging_weights(rows, kernel), _enlarging_weights(columns, kernel), means)
    return put_into(regions, "rectangle", to_uint8(enlarged), pictures)


def _enlarging_weights(index: tf.Tensor, kernel: Kernel) -> tf.Tensor:
    """Returns float32 `(batch, length, blocks)`: what each block mean adds to each pixel of an axis."""
    members = membership(index)
    counts = tf.reduce_sum(members, axis=2)  # [B, G]
    points = centres(tf.shape(index)[1])
    middles = tf.reduce_sum(members * points, axis=2) / tf.maximum(counts, 1.0)  # [B, G]
    position = _grid_position(points, middles, tf.reduce_max(index, axis=1) + 1)  # [B, L]
    grid = tf.range(tf.shape(members)[1], dtype=tf.float32)
    distance = tf.abs(position[:, :, None] - grid)  # [B, L, G]
    weights = _keys(distance) if kernel == "bicubic" else tf.maximum(1.0 - distance, 0.0)
    weights *= tf.cast(counts > 0, tf.float32)[:, None, :]
    return tf.math.divide_no_nan(weights, tf.reduce_sum(weights, axis=2, keepdims=True))


def _grid_position(points: tf.Tensor, middles: tf.Tensor, blocks: tf.Tensor) -> tf.Tensor:
    """Maps pixel positions to grid positions, piecewise linear, so that the middle of block g is at g.

    Args:
        points: float32 `(length,)`, in pixels.
        middles: float32 `(batch, grid)`, in pixels; the first `blocks` of them count.
        blocks: int32 `(batch,)`.

    Returns:
        float32 `(batch, length)`, 0 where there is one block only.
    """
    valid = tf.range(tf.shape(middles)[1])[None, :] < blocks[:, None]
    passed = (middles[:, None, :] <= points[None, :, None]) & valid[:, None, :]
    lower = tf.reduce_sum(tf.cast(passed, tf.int32), axis=2) - 1
    lower = tf.clip_by_value(lower, 0, tf.maximum(blocks[:, None] - 2, 0))
    upper = tf.minimum(lower + 1, tf.maximum(blocks[:, None] - 1, 0))
    start, stop = tf.gather(middles, lower, batch_dims=1), tf.gather(middles, upper, batch_dims=1)
    return tf.cast(lower, tf.float32) + tf.math.divide_no_nan(points[None, :] - start, stop - start)


def _keys(distance: tf.Tensor) -> tf.Tensor:
    """Cubic convolution kernel with a = -0.5 at distances >= 0 in grid steps."""
    near = (1.5 * distance - 2.5) * distance**2 + 1.0
    far = ((-0.5 * distance + 2.5) * distance - 4.0) * distance + 2.0
    return tf.where(distance < 1, near, tf.where(distance < 2, far, 0.0))
