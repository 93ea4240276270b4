"""From the bytes of a file to pixels."""

from __future__ import annotations

import tensorflow as tf

from keras_deid.serving.graph.bombs import assert_small, refuse_bombs


def decode(content: tf.Tensor) -> tf.Tensor:
    """Decodes a PNG, JPEG, GIF, BMP or WebP.

    What is transparent is laid over white; of an animation the first frame is taken; an EXIF orientation is not seen.

    Args:
        content: string scalar, the bytes of a file. One that is broken or too large is an error (INVALID_ARGUMENT).

    Returns:
        uint8 `(height, width, 3)`, RGB.
    """
    picture = tf.io.decode_image(refuse_bombs(content), channels=0, expand_animations=False)
    picture.set_shape((None, None, None))
    with tf.control_dependencies([assert_small(tf.shape(picture, tf.int64)[:2])]):
        picture = tf.identity(picture)
    channels = tf.shape(picture)[2]
    colours = tf.cond(channels < 3, lambda: tf.repeat(picture[..., :1], 3, axis=2), lambda: picture[..., :3])
    colours = tf.cond(tf.equal(channels % 2, 0), lambda: _over_white(colours, picture[..., -1:]), lambda: colours)
    return tf.ensure_shape(colours, (None, None, 3))


def _over_white(colours: tf.Tensor, alpha: tf.Tensor) -> tf.Tensor:
    opacity = tf.cast(alpha, tf.float32) / 255.0
    return tf.cast(tf.round(tf.cast(colours, tf.float32) * opacity + 255.0 * (1.0 - opacity)), tf.uint8)
