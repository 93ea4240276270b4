"""CBAM: the convolutional block attention module."""

from __future__ import annotations

from typing import Any

import keras

from keras_deid.layers.channel_attention import ChannelAttention
from keras_deid.layers.spatial_attention import SpatialAttention

CHANNEL_BIAS, SPATIAL_BIAS = 2.0, 4.0  # both gates start at sigmoid(4) = 0.98; the channel bias counts twice


@keras.saving.register_keras_serializable(package="keras_deid")
class CBAM(keras.layers.Layer):
    """Reweights channels, then positions, of a feature map.

    Args:
        reduction: int >= 1; must divide the number of input channels.
        gate_init: `"open"` starts both gates at 0.98, so that modules in sequence pass the signal on. `"default"` is
            the authors' start, near 0.5. It suits a module inside a residual branch, but nine of them on a trunk leave
            0.25^9 = 4e-6 of the signal (Wang et al., 2017, arXiv 1704.06904, section 3.1).

    Call arguments:
        inputs: float tensor `(batch, height, width, channels)`.

    Raises:
        ValueError: if `gate_init` is unknown; in `build`, if `reduction` does not divide `channels`.

    Reference:
        [Woo et al., 2018](https://arxiv.org/abs/1807.06521), eq. 1-3.
    """

    def __init__(self, reduction: int = 16, gate_init: str = "open", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if gate_init not in ("open", "default"):
            raise ValueError(f"`gate_init` should be 'open' or 'default'. Received: gate_init={gate_init!r}")
        self.reduction = reduction
        self.gate_init = gate_init
        is_open = gate_init == "open"
        self.channel_attention = ChannelAttention(
            reduction, CHANNEL_BIAS if is_open else None, name="channel_attention", dtype=self.dtype_policy
        )
        self.spatial_attention = SpatialAttention(
            gate_bias=SPATIAL_BIAS if is_open else None, name="spatial_attention", dtype=self.dtype_policy
        )

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Builds both halves."""
        self.channel_attention.build(input_shape)
        self.spatial_attention.build(input_shape)

    def call(self, inputs: Any) -> Any:
        """Returns the gated feature map, the shape of `inputs`."""
        return self.spatial_attention(self.channel_attention(inputs))

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Returns the input's shape."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {**super().get_config(), "reduction": self.reduction, "gate_init": self.gate_init}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> CBAM:
        """Makes the layer from its configuration; also reads that of version 0.1 (`gates: open | ordinary`)."""
        config = dict(config)
        if "gates" in config:
            config["gate_init"] = "default" if config.pop("gates") == "ordinary" else "open"
        return cls(**config)
