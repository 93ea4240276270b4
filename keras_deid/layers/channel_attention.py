"""CBAM's first half: which channels matter."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="keras_deid")
class ChannelAttention(keras.layers.Layer):
    """Multiplies each channel by a gate in (0, 1) computed from the channel's mean and maximum.

    One perceptron with a hidden layer of `channels / reduction` units sees both; the sigmoid of the sum is the gate.

    Args:
        reduction: int >= 1; must divide the number of input channels.
        gate_bias: initial bias of the perceptron's last layer, whose weights then start at zero. It counts twice in the
            sum, so 2.0 starts the gate at sigmoid(4) = 0.98 for every input. None (the authors' form) gives random
            weights and a gate that starts near 0.5.

    Call arguments:
        inputs: float tensor `(batch, height, width, channels)`.

    Raises:
        ValueError: in `build`, if `reduction` does not divide `channels`.

    Reference:
        [Woo et al., 2018](https://arxiv.org/abs/1807.06521), eq. 2.
    """

    def __init__(self, reduction: int = 16, gate_bias: float | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.reduction = reduction
        self.gate_bias = gate_bias

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Creates the shared perceptron."""
        channels = input_shape[-1]
        if channels is None or channels % self.reduction:
            raise ValueError(
                f"`reduction` should divide the number of channels. Received: reduction={self.reduction}, "
                f"input_shape={input_shape}"
            )
        self.squeeze = keras.layers.Dense(
            channels // self.reduction, activation="relu", name="squeeze", dtype=self.dtype_policy
        )
        self.excite = keras.layers.Dense(
            channels,
            kernel_initializer="glorot_uniform" if self.gate_bias is None else "zeros",
            bias_initializer=keras.initializers.Constant(self.gate_bias or 0.0),
            name="excite",
            dtype=self.dtype_policy,
        )
        self.squeeze.build((None, channels))
        self.excite.build((None, channels // self.reduction))

    def gate(self, inputs: Any) -> Any:
        """Returns the gate of each channel, `(batch, 1, 1, channels)` in (0, 1)."""
        mean = ops.mean(inputs, axis=(1, 2))  # [B, H, W, C] -> [B, C]
        peak = _peak(inputs)
        logits = self.excite(self.squeeze(mean)) + self.excite(self.squeeze(peak))
        return ops.expand_dims(ops.sigmoid(logits), axis=(1, 2))

    def call(self, inputs: Any) -> Any:
        """Returns the gated feature map, the shape of `inputs`."""
        return inputs * self.gate(inputs)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Returns the input's shape."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {**super().get_config(), "reduction": self.reduction, "gate_bias": self.gate_bias}


def _peak(inputs: Any) -> Any:
    """Returns the maximum over positions, `(batch, channels)`; for known sizes it pools, whose gradient is faster."""
    height, width, channels = inputs.shape[1:]
    if height is None or width is None:
        return ops.max(inputs, axis=(1, 2))
    return ops.reshape(ops.max_pool(inputs, (height, width), (height, width)), (-1, channels))
