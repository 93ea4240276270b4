"""Padding by mirroring the borders."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="keras_deid")
class ReflectionPadding2D(keras.layers.Layer):
    """Pads height and width with a mirror image of the border, without repeating the edge itself.

    Args:
        padding: int >= 0; rows and columns added on each of the four sides.

    Call arguments:
        inputs: tensor `(batch, height, width, channels)` with height and width > `padding`.

    Raises:
        ValueError: if `padding` is negative.

    Reference:
        [Zhu et al., 2017](https://arxiv.org/abs/1703.10593), appendix 7.2: reflection padding reduces artifacts.
    """

    def __init__(self, padding: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if padding < 0:
            raise ValueError(f"`padding` should be 0 or more. Received: padding={padding}")
        self.padding = padding

    def call(self, inputs: Any) -> Any:
        """Returns `(batch, height + 2 padding, width + 2 padding, channels)`."""
        sides = (self.padding, self.padding)
        return ops.pad(inputs, ((0, 0), sides, sides, (0, 0)), mode="reflect")

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Returns the padded shape."""
        batch, height, width, channels = input_shape
        grown = [None if side is None else side + 2 * self.padding for side in (height, width)]
        return (batch, *grown, channels)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {**super().get_config(), "padding": self.padding}
