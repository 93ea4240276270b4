"""CycleGAN's PatchGAN discriminator."""

from __future__ import annotations

from typing import Any

import keras

from keras_deid.layers.instance_norm import InstanceNormalization


def patch_discriminator(
    input_shape: tuple[int | None, int | None, int] = (256, 256, 3),
    *,
    filters: int = 64,
    layers: int = 3,
    normalization: str = "instance",
    name: str = "discriminator",
) -> keras.Model:
    """Builds D: each output is the logit that one patch of the picture is real.

    With the defaults it is the 70x70 PatchGAN of CycleGAN and of the paper (2,764,737 parameters, 30x30 patches at
    256 px). The conditional form of Pix2Pix is `input_shape=(..., 6)` (x and y concatenated along the channels) with
    `normalization="batch"` (2,768,705 parameters).

    Args:
        input_shape: (height, width, channels), 3 channels, or 6 for the conditional form; None for any size.
        filters: channels of the first convolution; they double with each layer up to eight times as many.
        layers: convolutions of stride 2. A patch sees 16, 34, 70, 142, 286 px for 1, 2, 3, 4, 5.
        normalization: `"instance"` (CycleGAN), `"batch"` (Pix2Pix; the convolutions then need no biases) or
            `"none"`.
        name: name of the model.

    Returns:
        A functional model: float in [-1, 1] -> float32 logits `(batch, patch rows, patch columns, 1)`.

    Raises:
        ValueError: if `normalization` is unknown.

    Reference:
        [Isola et al., 2017](https://arxiv.org/abs/1611.07004), section 3.2.2 and appendix 6.1.2.
    """
    if normalization not in ("instance", "batch", "none"):
        raise ValueError(
            f"`normalization` should be 'instance', 'batch' or 'none'. Received: normalization={normalization!r}"
        )

    def convolution(x: Any, channels: int, strides: int, name: str, use_bias: bool = True) -> Any:
        x = keras.layers.ZeroPadding2D(1, name=f"{name}_pad")(x)
        return keras.layers.Conv2D(
            channels,
            4,
            strides,
            use_bias=use_bias,
            kernel_initializer=keras.initializers.RandomNormal(0.0, 0.02),
            name=f"{name}_conv",
        )(x)

    def normalize(x: Any, name: str) -> Any:
        if normalization == "instance":
            return InstanceNormalization(name=f"{name}_norm")(x)
        if normalization == "batch":
            return keras.layers.BatchNormalization(momentum=0.9, epsilon=1e-5, name=f"{name}_norm")(x)
        return x

    def activate(x: Any, name: str) -> Any:
        return keras.layers.LeakyReLU(negative_slope=0.2, name=f"{name}_relu")(x)

    picture = keras.Input(input_shape, name="picture")
    x = activate(convolution(picture, filters, 2, "patch_1"), "patch_1")
    for index in range(1, layers + 1):
        layer = f"patch_{index + 1}"
        strides = 2 if index < layers else 1
        x = convolution(x, filters * min(2**index, 8), strides, layer, use_bias=normalization != "batch")
        x = activate(normalize(x, layer), layer)
    x = convolution(x, 1, 1, "verdict")
    logits = keras.layers.Activation("linear", name="patch_logits", dtype="float32")(x)
    return keras.Model(picture, logits, name=name)
