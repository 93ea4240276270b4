"""CBAM's second half: which positions matter."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="keras_deid")
class SpatialAttention(keras.layers.Layer):
    """Multiplies each position by a gate in (0, 1) computed from the mean and maximum over channels.

    The authors' code has a batch normalization after the convolution. It is left out here, because its statistics have
    no meaning at the batch size of 1 that CycleGAN and the paper train with.

    Args:
        kernel_size: odd int; side of the convolution over the two pooled maps.
        gate_bias: initial bias of that convolution, whose kernel then starts at zero: 4.0 starts the gate at
            sigmoid(4) = 0.98 for every input. (A random kernel sums the maximum over all channels at 49 positions. With
            such kernels, one of six gates started below 0.4 for half of the seeds.) None (the authors' form) gives a
            random kernel without bias, and a gate that starts near 0.5.

    Call arguments:
        inputs: float tensor `(batch, height, width, channels)`.

    Reference:
        [Woo et al., 2018](https://arxiv.org/abs/1807.06521), eq. 3.
    """

    def __init__(self, kernel_size: int = 7, gate_bias: float | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.kernel_size = kernel_size
        self.gate_bias = gate_bias

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Creates the convolution."""
        self.convolution = keras.layers.Conv2D(
            1,
            self.kernel_size,
            padding="same",
            use_bias=self.gate_bias is not None,
            kernel_initializer="glorot_uniform" if self.gate_bias is None else "zeros",
            bias_initializer=keras.initializers.Constant(self.gate_bias or 0.0),
            name="convolution",
            dtype=self.dtype_policy,
        )
        self.convolution.build((*input_shape[:-1], 2))

    def gate(self, inputs: Any) -> Any:
        """Returns the gate of each position, `(batch, height, width, 1)` in (0, 1)."""
        mean = ops.mean(inputs, axis=-1, keepdims=True)  # [B, H, W, C] -> [B, H, W, 1]
        peak = ops.max(inputs, axis=-1, keepdims=True)
        return ops.sigmoid(self.convolution(ops.concatenate([mean, peak], axis=-1)))

    def call(self, inputs: Any) -> Any:
        """Returns the gated feature map, the shape of `inputs`."""
        return inputs * self.gate(inputs)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Returns the input's shape."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {**super().get_config(), "kernel_size": self.kernel_size, "gate_bias": self.gate_bias}
