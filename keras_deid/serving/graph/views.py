"""Several views of a crop, as a graph: the rule of `keras_deid.restoring.views`."""

from __future__ import annotations

from collections.abc import Callable

import tensorflow as tf


def restore_views(restore: Callable[[tf.Tensor], tf.Tensor], crop: tf.Tensor) -> tf.Tensor:
    """Returns the mean of the answers for a crop as it is, mirrored, moved by a pixel, and both.

    Args:
        restore: the network, uint8 `(batch, height, width, 3)` in and out.
        crop: uint8 `(height, width, 3)`.

    Returns:
        uint8 of the same shape.
    """
    seen = tf.stack([crop, tf.pad(crop, ((1, 0), (1, 0), (0, 0)), "SYMMETRIC")[:-1, :-1]])
    answers = tf.cast(restore(tf.concat([seen, seen[:, :, ::-1]], axis=0)), tf.float32)
    own, moved = tf.unstack(answers[:2] + answers[2:, :, ::-1], num=2)
    # The moved views lack the last row and column.
    below = tf.concat([moved[1:, 1:], own[:-1, -1:]], axis=1)
    return tf.cast(tf.round((own + tf.concat([below, own[-1:]], axis=0)) / 4.0), tf.uint8)
