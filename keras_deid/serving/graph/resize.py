"""Resizing as OpenCV does it, which prepared what the networks were trained on."""

from __future__ import annotations

import tensorflow as tf

_COEFFICIENT = -0.75
"""Of the cubic (Keys, 1981, doi 10.1109/TASSP.1981.1163711, a); TensorFlow's own `bicubic` has -0.5."""


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
    # OpenCV rounds the mean of two by two up where it lies half-way, any other to the even neighbour.
    halves = tf.reduce_all(tf.equal(2 * size, tf.shape(picture)[:2]))
    return tf.cond(halves, lambda: tf.floor(means + 0.5), lambda: tf.round(means))


def _enlarge(picture: tf.Tensor, size: tf.Tensor) -> tf.Tensor:
    """Interpolates along the rows, then along the columns; each is a product with a narrow matrix."""
    height, width = tf.unstack(tf.shape(picture)[:2])
    across = tf.linalg.matmul(_weights(width, size[1]), tf.cast(picture, tf.float32))  # (height, size[1], 3)
    down = tf.linalg.matmul(_weights(height, size[0]), tf.reshape(across, (height, 3 * size[1])))
    return tf.round(tf.reshape(down, (size[0], size[1], 3)))


def _weights(length: tf.Tensor, target: tf.Tensor) -> tf.Tensor:
    """Returns float32 `(target, length)`: what each pixel is made of; beyond the border the last one is repeated."""
    scale = tf.cast(length, tf.float64) / tf.cast(target, tf.float64)
    places = tf.cast((tf.cast(tf.range(target), tf.float64) + 0.5) * scale - 0.5, tf.float32)
    left = tf.floor(places)
    taps = tf.stack([_cubic(places - left + 1.0 - tap) for tap in range(4)], axis=1)
    columns = tf.clip_by_value(tf.cast(left, tf.int32)[:, None] + tf.range(-1, 3), 0, length - 1)
    rows = tf.broadcast_to(tf.range(target)[:, None], tf.shape(columns))
    return tf.scatter_nd(tf.stack([rows, columns], axis=2), taps, tf.stack([target, length]))


def _cubic(distance: tf.Tensor) -> tf.Tensor:
    x = tf.abs(distance)
    near = ((_COEFFICIENT + 2.0) * x - (_COEFFICIENT + 3.0)) * x * x + 1.0
    far = ((x - 5.0) * x + 8.0) * x * _COEFFICIENT - 4.0 * _COEFFICIENT
    return tf.where(x <= 1.0, near, far)
