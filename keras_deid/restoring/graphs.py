"""What is run of trained networks, as TensorFlow functions: uint8 pictures in, results out."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def restoring_graph(run: Path) -> Any:
    """Returns the generator of a run: uint8 `(batch, height, width, 3)` -> uint8 of the same shape.

    Raises:
        UserError: if the run has no generator.
    """
    import tensorflow as tf

    from keras_deid.models.pixels import to_signed, to_uint8
    from keras_deid.models.saved import load_generator

    generator = load_generator(run)
    return tf.function(
        lambda pictures: to_uint8(generator(to_signed(pictures), training=False)),
        input_signature=[tf.TensorSpec(generator.input_shape, tf.uint8)],
    )


def locating_graph(run: Path) -> Any:
    """Returns the locator of a run: uint8 `(1, height, width, 3)` -> float32 `(1, height / 4, width / 4)`.

    Sides are multiples of 32; the result is the probability of being hidden.

    Raises:
        UserError: if the run has no locator.
    """
    import tensorflow as tf

    from keras_deid.models.pixels import to_signed
    from keras_deid.models.saved import load_locator

    locator = load_locator(run)
    return tf.function(
        lambda picture: tf.sigmoid(locator(to_signed(picture), training=False))[..., 0],
        input_signature=[tf.TensorSpec((1, None, None, 3), tf.uint8)],
    )
