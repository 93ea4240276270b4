"""Instance normalization with statistics in float32."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="keras_deid")
class InstanceNormalization(keras.layers.Layer):
    """Normalizes each channel of each picture to mean 0 and variance 1 over its positions.

    It is the same function as `keras.layers.GroupNormalization(groups=-1)` and as the InstanceNormalization of
    tensorflow-addons, which it replaces. Tests compare it with both. It has the reference's epsilon (1e-5 where Keras
    has 1e-3) and, by default, no affine part. It computes its statistics in float32 under every precision policy,
    because float16 overflows on flat pictures.

    Args:
        epsilon: float > 0, added to the variance.
        center: add a learned offset to each channel.
        scale: multiply each channel by a learned factor.

    Call arguments:
        inputs: float tensor `(batch, height, width, channels)`.

    Reference:
        [Ulyanov et al., 2016](https://arxiv.org/abs/1607.08022), eq. 3.
    """

    def __init__(self, epsilon: float = 1e-5, center: bool = False, scale: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.epsilon = epsilon
        self.center = center
        self.scale = scale

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Creates gamma and beta if `scale` and `center` are set."""
        channels = (input_shape[-1],)
        self.gamma = self.add_weight(shape=channels, initializer="ones", name="gamma") if self.scale else None
        self.beta = self.add_weight(shape=channels, initializer="zeros", name="beta") if self.center else None

    def call(self, inputs: Any) -> Any:
        """Returns a tensor of the same shape and dtype."""
        values = ops.cast(inputs, "float32")
        mean = ops.mean(values, axis=(1, 2), keepdims=True)  # [B, H, W, C] -> [B, 1, 1, C]
        centred = values - mean
        factor = ops.rsqrt(ops.mean(ops.square(centred), axis=(1, 2), keepdims=True) + self.epsilon)
        if self.gamma is not None:
            factor = factor * ops.cast(self.gamma, "float32")
        normalized = centred * factor
        if self.beta is not None:
            normalized = normalized + ops.cast(self.beta, "float32")
        return ops.cast(normalized, self.compute_dtype)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Returns the input's shape."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {**super().get_config(), "epsilon": self.epsilon, "center": self.center, "scale": self.scale}
