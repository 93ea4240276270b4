"""Where a picture is hidden, as a graph: the locator on pictures of any size."""

from __future__ import annotations

from collections.abc import Callable

import tensorflow as tf

from keras_deid.models.locator import MULTIPLE, STRIDE
from keras_deid.models.pixels import to_signed

MOST = 65_535
"""What stands for a probability of 1 in a file."""


def hidden(network: Callable[[tf.Tensor], tf.Tensor], picture: tf.Tensor) -> tf.Tensor:
    """Marks what is hidden.

    Args:
        network: the locator, see `keras_deid.models.locator`.
        picture: uint8 `(height, width, 3)`, not empty; its edge is repeated up to the next multiple of 32.

    Returns:
        float32 `(height / 4, width / 4)`, rounded up: probability of being hidden.
    """
    height, width = tf.unstack(tf.shape(picture)[:2])
    rows, columns = (tf.minimum(tf.range(_rounded_up(side)), side - 1) for side in (height, width))
    padded = tf.gather(tf.gather(picture, rows), columns, axis=1)
    marked = tf.sigmoid(network(to_signed(padded[None])))
    high, wide = map_size(height), map_size(width)
    return tf.ensure_shape(marked[0, :high, :wide, 0], (None, None))


def map_size(side: tf.Tensor) -> tf.Tensor:
    """Returns how many values a map has along a side of so many pixels."""
    return -(-side // STRIDE)


def as_file(probability: tf.Tensor) -> tf.Tensor:
    """Encodes a map, float32 `(height, width)` in [0, 1], as a grey PNG of 16 bits."""
    return tf.io.encode_png(tf.cast(tf.round(probability * MOST), tf.uint16)[..., None])


def _rounded_up(side: tf.Tensor) -> tf.Tensor:
    return -(-side // MULTIPLE) * MULTIPLE
