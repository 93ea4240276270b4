"""The locator: a small fully convolutional network that marks hidden regions."""

from __future__ import annotations

from typing import Any

import keras

STRIDE = 4
"""Pixels of the photograph, in each direction, for one output."""
MULTIPLE = 32
"""Height and width are multiples of this."""


def locator(
    input_shape: tuple[int | None, int | None, int] = (None, None, 3),
    *,
    filters: int = 12,
    blocks: int = 4,
    name: str = "locator",
) -> keras.Model:
    """Builds a U-Net whose first level and output have a quarter of the picture's size.

    Two convolutions of stride 2 see the edges of blocks at full resolution. The levels below, down to 1/32 of the
    size, see the head and shoulders that distinguish a hidden face from a tile or a window. Skips are sums.

    Args:
        input_shape: (height, width, 3), multiples of 32, or None for any such size.
        filters: channels of the first convolution.
        blocks: residual blocks on the deepest level, with growing dilation.
        name: name of the model.

    Returns:
        A functional model: float `(batch, height, width, 3)` in [-1, 1] -> float32 logits
        `(batch, height / 4, width / 4, 1)` that the pixels of a cell are hidden.

    Reference:
        [Ronneberger et al., 2015](https://arxiv.org/abs/1505.04597), with sums in place of concatenations.
    """

    def convolution(x: Any, channels: int, name: str, size: int = 3, strides: int = 1, dilation: int = 1) -> Any:
        x = keras.layers.Conv2D(
            channels,
            size,
            strides,
            padding="same",
            dilation_rate=dilation,
            use_bias=False,
            kernel_initializer="he_normal",
            name=f"{name}_conv",
        )(x)
        x = keras.layers.BatchNormalization(momentum=0.97, name=f"{name}_norm")(x)
        return keras.layers.ReLU(name=f"{name}_relu")(x)

    picture = keras.Input(input_shape, name="photograph")
    x = convolution(picture, filters, "stem_1", size=5, strides=2)
    x = convolution(x, 2 * filters, "stem_2", strides=2)
    x = convolution(x, 2 * filters, "level_1")
    skips = [x]
    for level, channels in ((2, 3 * filters), (3, 4 * filters), (4, 4 * filters)):
        x = convolution(x, channels, f"down_{level}", strides=2)
        x = convolution(x, channels, f"level_{level}")
        skips.append(x)
    for index in range(1, blocks + 1):
        y = convolution(x, 4 * filters, f"context_{index}", dilation=2 * index)
        x = keras.layers.Add(name=f"context_{index}_sum")([x, y])
    for level in (3, 2, 1):
        skip = skips[level - 1]
        x = convolution(x, skip.shape[-1], f"narrow_{level}", size=1)
        x = keras.layers.UpSampling2D(2, interpolation="nearest", name=f"up_{level}")(x)
        x = keras.layers.Add(name=f"join_{level}")([x, skip])
        x = convolution(x, skip.shape[-1], f"merge_{level}")
    x = keras.layers.Conv2D(1, 1, bias_initializer=keras.initializers.Constant(-2.0), name="verdict_conv")(x)
    logits = keras.layers.Activation("linear", name="hidden_logits", dtype="float32")(x)
    return keras.Model(picture, logits, name=name)
