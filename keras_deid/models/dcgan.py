"""DCGAN: a generator that draws pictures from random vectors, and its discriminator."""

from __future__ import annotations

from typing import Any

import keras


def dcgan_generator(
    output_shape: tuple[int, int, int] = (64, 64, 3),
    *,
    filters: int = 64,
    latent: int = 100,
    name: str = "drawing_generator",
) -> keras.Model:
    """Builds G: it draws a picture from a latent vector.

    The layout is that of PyTorch's example, which has half as many channels as the paper: with the defaults, 4 x 4
    positions of 512 channels, doubled four times, 3,576,704 trainable parameters. Each further doubling of the picture
    adds a stage. No stage has more than eight times `filters` channels.

    Args:
        output_shape: (side, side, 3) of the pictures; the side is a power of two, at least 16.
        filters: channels of the last stage but one.
        latent: length of the latent vector.
        name: name of the model.

    Returns:
        A functional model: float `(batch, latent)`, drawn from N(0, 1) -> float32 `(batch, side, side, 3)` in (-1, 1).

    Raises:
        ValueError: if the pictures are not square, or their side is not a power of two from 16 on.

    Reference:
        [Radford et al., 2016](https://arxiv.org/abs/1511.06434), section 3 and figure 1.
    """
    stages = _stages(output_shape)
    transposed = keras.layers.Conv2DTranspose

    def stage(x: Any, channels: int, name: str, strides: int = 2) -> Any:
        x = _batch_norm(_convolution(transposed, x, channels, name, strides), name)
        return keras.layers.ReLU(name=f"{name}_relu")(x)

    vector = keras.Input((latent,), name="latent")
    x = keras.layers.Reshape((1, 1, latent), name="latent_map")(vector)
    x = stage(x, _channels(filters, stages - 1), "draw_1", strides=1)  # [B, 1, 1, latent] -> [B, 4, 4, channels]
    for index in range(2, stages + 1):
        x = stage(x, _channels(filters, stages - index), f"draw_{index}")
    x = _convolution(transposed, x, 3, "head")
    picture = keras.layers.Activation("tanh", name="picture", dtype="float32")(x)
    return keras.Model(vector, picture, name=name)


def dcgan_discriminator(
    input_shape: tuple[int, int, int] = (64, 64, 3), *, filters: int = 64, name: str = "discriminator"
) -> keras.Model:
    """Builds D, whose only output is the logit that the picture is real.

    D mirrors `dcgan_generator`. With the defaults it has 2,765,568 trainable parameters.

    Args:
        input_shape: (side, side, 3); the side is a power of two, at least 16.
        filters: channels of the first convolution.
        name: name of the model.

    Returns:
        A functional model: float `(batch, side, side, 3)` in [-1, 1] -> float32 logits `(batch, 1, 1, 1)`, in the form
        of a `patch_discriminator` whose one patch is the whole picture.

    Raises:
        ValueError: if the pictures are not square, or their side is not a power of two from 16 on.

    Reference:
        [Radford et al., 2016](https://arxiv.org/abs/1511.06434), section 3.
    """
    stages = _stages(input_shape)

    picture = keras.Input(input_shape, name="picture")
    x = picture
    for index in range(1, stages + 1):
        layer = f"patch_{index}"
        x = _convolution(keras.layers.Conv2D, x, _channels(filters, index - 1), layer)
        if index > 1:  # the first sees the pictures' own statistics
            x = _batch_norm(x, layer)
        x = keras.layers.LeakyReLU(negative_slope=0.2, name=f"{layer}_relu")(x)
    x = _convolution(keras.layers.Conv2D, x, 1, "verdict", strides=1)  # [B, 4, 4, channels] -> [B, 1, 1, 1]
    logits = keras.layers.Activation("linear", name="patch_logits", dtype="float32")(x)
    return keras.Model(picture, logits, name=name)


def _stages(shape: tuple[int, int, int]) -> int:
    """Returns how often the picture has to be halved to be 4 x 4."""
    height, width, _ = shape
    if height != width or height < 16 or height & (height - 1):
        raise ValueError(f"DCGAN's pictures should be square, the side a power of two from 16 on. Received: {shape}")
    return height.bit_length() - 3


def _channels(filters: int, doublings: int) -> int:
    return filters * min(2**doublings, 8)


def _convolution(kind: type[keras.layers.Layer], x: Any, channels: int, name: str, strides: int = 2) -> Any:
    return kind(
        channels,
        4,
        strides,
        padding="same" if strides == 2 else "valid",
        use_bias=False,
        kernel_initializer=keras.initializers.RandomNormal(0.0, 0.02),
        name=f"{name}_conv",
    )(x)


def _batch_norm(x: Any, name: str) -> Any:
    return keras.layers.BatchNormalization(
        momentum=0.9,
        epsilon=1e-5,
        gamma_initializer=keras.initializers.RandomNormal(1.0, 0.02),
        name=f"{name}_norm",
    )(x)
