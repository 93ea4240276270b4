"""Pix2Pix's U-Net generator."""

from __future__ import annotations

import math
from typing import Any

import keras

LEAST_STAGES = 4
DROPPED_STAGES = 3


def unet_generator(
    input_shape: tuple[int | None, int | None, int] = (256, 256, 3),
    *,
    filters: int = 64,
    dropout: float = 0.5,
    name: str = "generator",
) -> keras.Model:
    """Builds Pix2Pix's G: a de-identified picture in, a restored picture out.

    An encoder halves the picture `stages` times (at 256 px eight times, to a single pixel). A decoder doubles it as
    often, and each of its stages also reads the encoder's output at that size. With the defaults it has Pix2Pix's
    54,413,955 trained parameters. Other modules refer to the layers `up_1`, `up_2`, ... (the outputs of the
    decoder's stages) and `restored`.

    Other sizes follow the construction of the reference code: `stages` is the number of times that 2 divides height and
    width (6 at 64 px). The encoder's channels are 1, 2, 4, 8, 8, ... times `filters`, and the decoder mirrors them.
    Smaller pictures have fewer of the stages with `8 * filters` channels in the middle. Dropout is in the first three
    decoder stages, as in the paper, provided that they have that many channels (64 px: two; 16 px: none). The authors'
    later PyTorch code puts it one stage further on.

    It departs from the paper in one point. The paper keeps dropout, as noise, and batch statistics at test time. Here,
    outside training, dropout is off and moving averages normalize, so that the result does not depend on chance or on
    the other pictures of the batch. With batches of one, these averages differ from the statistics that G was trained
    with; larger batches bring the two together.

    Args:
        input_shape: (height, width, 3); both divisible by 16.
        filters: channels of the first convolution.
        dropout: rate in the first decoder stages; 0 leaves it out.
        name: name of the model.

    Returns:
        A functional model: float `(batch, height, width, 3)` in [-1, 1] -> float32 of the same shape.

    Raises:
        ValueError: if a size is unknown or not divisible by 16.

    Reference:
        [Isola et al., 2017](https://arxiv.org/abs/1611.07004), section 3.2.1 and appendix 6.1.1, with the correction
        of its third version: no batch normalization in the innermost stage, where a batch of one would be all zeros.
    """
    stages = _stages(input_shape)
    channels = [filters * min(2**index, 8) for index in range(stages)]
    normal = keras.initializers.RandomNormal(0.0, 0.02)

    # Kernels of 4 with stride 2 on even sizes: 'same' is the reference's padding of 1 on each side, both ways.
    def halve(x: Any, channels: int, name: str) -> Any:
        return keras.layers.Conv2D(
            channels, 4, 2, "same", use_bias=False, kernel_initializer=normal, name=f"{name}_conv"
        )(x)

    def double(x: Any, channels: int, name: str, use_bias: bool = False) -> Any:
        return keras.layers.Conv2DTranspose(
            channels, 4, 2, "same", use_bias=use_bias, kernel_initializer=normal, name=f"{name}_conv"
        )(x)

    def normalize(x: Any, name: str) -> Any:
        around_one = keras.initializers.RandomNormal(1.0, 0.02)
        return keras.layers.BatchNormalization(
            momentum=0.9, epsilon=1e-5, gamma_initializer=around_one, name=f"{name}_norm"
        )(x)

    def encode(x: Any, index: int) -> Any:
        layer = f"down_{index}"
        if index > 1:
            x = keras.layers.LeakyReLU(negative_slope=0.2, name=f"{layer}_relu")(x)
        x = halve(x, channels[index - 1], layer)
        return normalize(x, layer) if 1 < index < stages else x

    def decode(x: Any, skip: Any, index: int) -> Any:
        layer = f"up_{index}"
        x = normalize(double(x, skip.shape[-1], layer), layer)
        if dropout and index <= DROPPED_STAGES and skip.shape[-1] == 8 * filters:
            x = keras.layers.Dropout(dropout, name=f"{layer}_dropout")(x)
        x = keras.layers.Concatenate(name=f"{layer}_skip")([skip, x])
        return keras.layers.ReLU(name=layer)(x)

    picture = keras.Input(input_shape, name="deidentified")
    x, encoded = picture, []
    for index in range(1, stages + 1):
        x = encode(x, index)
        encoded.append(x)
    x = keras.layers.ReLU(name="bottleneck")(encoded.pop())
    for index, skip in enumerate(reversed(encoded), start=1):
        x = decode(x, skip, index)
    x = double(x, 3, "head", use_bias=True)
    restored = keras.layers.Activation("tanh", name="restored", dtype="float32")(x)
    return keras.Model(picture, restored, name=name)


def _stages(input_shape: tuple[int | None, ...]) -> int:
    """Returns how often both sides can be halved."""
    height, width = input_shape[:2]
    common = math.gcd(height, width) if height and width else 0
    stages = (common & -common).bit_length() - 1
    if stages < LEAST_STAGES:
        raise ValueError(f"Height and width should be divisible by 16. Received: input_shape={input_shape}")
    return stages
