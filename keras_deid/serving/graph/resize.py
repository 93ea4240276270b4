"""Resizing as OpenCV does it, which prepared what the networks were trained on."""

from __future__ import annotations

from typing import NamedTuple

import tensorflow as tf

_COEFFICIENT = -0.75
"""Of the cubic (Keys, 1981, doi 10.1109/TASSP.1981.1163711, a); TensorFlow's own `bicubic` has -0.5."""


class Axis(NamedTuple):
    """One axis of a picture, of which some pixels are given; beyond them the outermost ones are repeated.

    Attributes:
        length: int32; pixels of the axis.
        first: int32; the first pixel that is given.
        count: int32; how many are given, at least one.
    """

    length: tf.Tensor
    first: tf.Tensor
    count: tf.Tensor


def resize(picture: tf.Tensor, size: tf.Tensor) -> tf.Tensor:
    """Resizes as `keras_deid.data.images.resize_image` does: by area to become smaller, else cubic.

    Args:
        picture: uint8 `(height, width, 3)`, not empty.
        size: int32 `(2,)`, the (height, width) to come to.

    Returns:
        uint8 `(*size, 3)`; at most 1 from OpenCV's, whose weights for eight-bit pictures may be rounded.
    """
    resized = tf.cond(
        tf.reduce_all(size <= tf.shape(picture)[:2]),
        lambda: _shrink(picture, size),
        lambda: _enlarge(picture, size),
    )
    return tf.saturate_cast(tf.ensure_shape(resized, (None, None, 3)), tf.uint8)


def _shrink(picture: tf.Tensor, size: tf.Tensor) -> tf.Tensor:
    means = tf.image.resize(picture, size, "area")
    return _round_means(means, tf.reduce_all(tf.equal(2 * size, tf.shape(picture)[:2])))


def _enlarge(picture: tf.Tensor, size: tf.Tensor) -> tf.Tensor:
    down, across = (
        _cubic_weights(Axis(length, tf.constant(0), length), target, tf.range(target))
        for length, target in zip(tf.unstack(tf.shape(picture)[:2]), tf.unstack(size), strict=True)
    )
    return tf.round(_product(down, picture, across))


def resize_square(
    pixels: tf.Tensor, down: Axis, across: Axis, side: tf.Tensor, rows: tf.Tensor, columns: tf.Tensor
) -> tf.Tensor:
    """Resizes a square as `resize` does, without having all of the square or all of the result in memory.

    Args:
        pixels: uint8 `(down.count, across.count, 3)`, what is given of the square.
        down: its vertical axis.
        across: its horizontal axis, of the same length.
        side: int32; pixels of the result on each side.
        rows: int32 `(m,)`, which rows of the result are wanted.
        columns: int32 `(n,)`, which columns of it.

    Returns:
        uint8 `(m, n, 3)`; at most 1 from OpenCV's.
    """

    def shrink() -> tf.Tensor:
        sums = _product(_area_weights(down, side, rows), pixels, _area_weights(across, side, columns))
        means = sums * tf.cast(tf.square(side / down.length), tf.float32)
        return _round_means(means, tf.equal(2 * side, down.length))

    def enlarge() -> tf.Tensor:
        return tf.round(_product(_cubic_weights(down, side, rows), pixels, _cubic_weights(across, side, columns)))

    resized = tf.cond(side <= down.length, shrink, enlarge)
    return tf.saturate_cast(tf.ensure_shape(resized, (None, None, 3)), tf.uint8)


def _round_means(means: tf.Tensor, halves: tf.Tensor) -> tf.Tensor:
    """OpenCV rounds the mean of two by two up where it lies half-way, any other to the even neighbour."""
    return tf.cond(halves, lambda: tf.floor(means + 0.5), lambda: tf.round(means))


def _product(down: tf.Tensor, picture: tf.Tensor, across: tf.Tensor) -> tf.Tensor:
    """Combines the rows of a picture, then its columns: float32 `(rows of down, rows of across, 3)`."""
    height, width = tf.unstack(tf.shape(picture)[:2])
    combined = tf.linalg.matmul(down, tf.reshape(tf.cast(picture, tf.float32), (height, 3 * width)))
    return tf.linalg.matmul(across, tf.reshape(combined, (tf.shape(down)[0], width, 3)))


def _area_weights(axis: Axis, target: tf.Tensor, places: tf.Tensor) -> tf.Tensor:
    """Returns float32 `(places, count)`: how much of each given pixel each place of the shorter axis covers."""
    scale = _scale(axis, target)
    start = tf.cast(places, tf.float64) * scale
    number = tf.range(axis.count)
    lower = tf.cast(tf.where(number > 0, number + axis.first, 0), tf.float64)
    upper = tf.cast(tf.where(number < axis.count - 1, number + axis.first + 1, axis.length), tf.float64)

    def before(place: tf.Tensor) -> tf.Tensor:
        return tf.minimum(tf.maximum(place[:, None] - lower, 0.0), upper - lower)

    return tf.cast(before(start + scale) - before(start), tf.float32)


def _cubic_weights(axis: Axis, target: tf.Tensor, places: tf.Tensor) -> tf.Tensor:
    """Returns float32 `(places, count)`: what each place of the longer axis is made of."""
    centres = tf.cast((tf.cast(places, tf.float64) + 0.5) * _scale(axis, target) - 0.5, tf.float32)
    left = tf.floor(centres)
    taps = tf.stack([_cubic(centres - left + 1.0 - tap) for tap in range(4)], axis=1)
    seen = tf.clip_by_value(tf.cast(left, tf.int32)[:, None] + tf.range(-1, 3), 0, axis.length - 1)
    columns = tf.clip_by_value(seen - axis.first, 0, axis.count - 1)
    rows = tf.broadcast_to(tf.range(tf.size(places))[:, None], tf.shape(columns))
    return tf.scatter_nd(tf.stack([rows, columns], axis=2), taps, tf.stack([tf.size(places), axis.count]))


def _scale(axis: Axis, target: tf.Tensor) -> tf.Tensor:
    return tf.cast(axis.length, tf.float64) / tf.cast(target, tf.float64)


def _cubic(distance: tf.Tensor) -> tf.Tensor:
    x = tf.abs(distance)
    near = ((_COEFFICIENT + 2.0) * x - (_COEFFICIENT + 3.0)) * x * x + 1.0
    far = ((x - 5.0) * x + 8.0) * x * _COEFFICIENT - 4.0 * _COEFFICIENT
    return tf.where(x <= 1.0, near, far)
