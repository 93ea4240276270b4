"""What is run of trained networks, as TensorFlow functions: uint8 pictures in, results out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any


def restoring_graph(run: Path) -> Any:
    """Returns the generator of a run: uint8 `(batch, height, width, 3)` -> uint8 of the same shape.

    Raises:
        UserError: if the run has no generator.
    """
    from keras_deid.models.saved import load_generator

    return restoring_function(load_generator(run))


def restoring_function(generator: Any) -> Any:
    """Returns a generator as a function of pictures: uint8 `(batch, height, width, 3)` -> uint8 of the same shape."""
    import keras
    import tensorflow as tf

    from keras_deid.models.pixels import to_signed, to_uint8

    class Cropped(keras.layers.Layer):
        """As `Cropping2D`, by an operation that stops no transposition on OpenVINO, as a strided slice does."""

        def __init__(self, cropping: Any, **kwargs: Any) -> None:
            super().__init__(**kwargs)
            self._cropping = cropping

        def call(self, inputs: Any) -> Any:
            (above, below), (left, right) = self._cropping
            batch, height, width, channels = (
                tf.shape(inputs)[axis] if side is None else side for axis, side in enumerate(inputs.shape)
            )
            return tf.slice(
                inputs, (0, above, left, 0), (batch, height - above - below, width - left - right, channels)
            )

    def same(layer: keras.layers.Layer) -> keras.layers.Layer:
        if isinstance(layer, keras.layers.Cropping2D):
            return Cropped(layer.cropping, name=layer.name)
        return layer.from_config(layer.get_config())

    cloned = _cloned(generator, same)
    return tf.function(
        lambda pictures: to_uint8(cloned(to_signed(pictures), training=False)),
        input_signature=[tf.TensorSpec(generator.input_shape, tf.uint8)],
    )


def locating_graph(run: Path) -> Any:
    """Returns the locator of a run: uint8 `(1, height, width, 3)` -> float32 `(1, height / 4, width / 4)`.

    Sides are multiples of 32; the result is the probability of being hidden.

    Raises:
        UserError: if the run has no locator.
    """
    import keras
    import tensorflow as tf

    from keras_deid.models.pixels import to_signed
    from keras_deid.models.saved import load_locator

    class Doubled(keras.layers.Layer):
        """As `UpSampling2D(2)`, in one operation; Keras repeats rows and columns in several."""

        def call(self, inputs: Any) -> Any:
            return tf.raw_ops.ResizeNearestNeighbor(images=inputs, size=2 * tf.shape(inputs)[1:3])

    def same(layer: keras.layers.Layer) -> keras.layers.Layer:
        doubles = isinstance(layer, keras.layers.UpSampling2D) and (layer.size, layer.interpolation) == (
            (2, 2),
            "nearest",
        )
        return Doubled(name=layer.name) if doubles else layer.from_config(layer.get_config())

    locator = _cloned(load_locator(run), same)
    return tf.function(
        lambda picture: tf.sigmoid(locator(to_signed(picture), training=False))[..., 0],
        input_signature=[tf.TensorSpec((1, None, None, 3), tf.uint8)],
    )


def _cloned(model: Any, same: Callable[[Any], Any]) -> Any:
    """Returns a model with the same weights, whose layers `same` makes."""
    import keras

    clone = keras.models.clone_model(model, clone_function=same)
    clone.set_weights(model.get_weights())
    return clone
