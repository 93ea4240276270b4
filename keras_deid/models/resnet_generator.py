"""CycleGAN's ResNet generator, with CBAM between its blocks."""

from __future__ import annotations

from typing import Any

import keras

from keras_deid.layers.cbam import CBAM
from keras_deid.layers.cropping import BorderCropping2D
from keras_deid.layers.instance_norm import InstanceNormalization
from keras_deid.layers.reflection_padding import ReflectionPadding2D


def resnet_generator(
    input_shape: tuple[int | None, int | None, int] = (256, 256, 3),
    *,
    filters: int = 64,
    blocks: int = 9,
    downsamplings: int = 2,
    attention: str = "between",
    gate_init: str = "open",
    reduction: int = 16,
    normalization: str = "instance",
    upsampling: str = "transposed",
    global_skip: bool = False,
    residual_scale: float = 1.0,
    skips: bool = False,
    leak: float = 0.0,
    head_spread: float = 0.001,
    ends: int = 7,
    dropout: float = 0.0,
    name: str = "generator",
) -> keras.Model:
    """Builds G: a de-identified picture in, a restored picture out.

    With the defaults and `attention="none"` it is CycleGAN's generator (11,378,179 parameters); with
    `attention="between"` it is the paper's. Other modules refer to the layers `block_1_sum`, `cbam_1`, ..., `restored`.

    Args:
        input_shape: (height, width, 3); height and width divisible by `2**downsamplings`, or None for any size.
        filters: channels of the first convolution; they double with each downsampling (CycleGAN: 64, the trunk 256).
        blocks: ResNet blocks; CycleGAN has 6 for 128 px and 9 for 256 px.
        downsamplings: how often the size is halved before the blocks (CycleGAN: 2). With 3, a block sees twice as
            far at the same cost, which a face hidden by a plain box needs.
        attention: where CBAM sits. `"between"`: after each block, on the trunk (the paper). `"branch"`: inside the
            block before the sum, where CBAM's authors put it and where a closed gate cannot cut the trunk.
            `"none"`: CycleGAN.
        gate_init: how CBAM's gates start, see `CBAM`. On the trunk, `"default"` starves the layers behind.
        reduction: CBAM's channel reduction; must divide `2**downsamplings * filters`.
        normalization: `"instance"` (CycleGAN, the paper) or `"none"`: super-resolution networks leave it out, because
            it removes the brightness and contrast that have to be restored (Lim et al., 2017, arXiv 1707.02921).
        upsampling: `"transposed"` convolutions (CycleGAN), or `"resize"` (nearest) followed by a convolution, which
            leaves no checkerboard (Odena et al., 2016, doi 10.23915/distill.00003).
        global_skip: G adds its output to its input, so that pixels that need no change are right from the first step.
            The sum is not bounded by a tanh; `to_uint8` clips it.
        residual_scale: what each branch is multiplied by before it is added to the trunk; 1 in CycleGAN, 0.1 in Lim et
            al., 2017, section 3.3. CBAM in the branch with default gates multiplies it by about 0.25 at the start.
        skips: the way up adds what the way down had at the same size, as in a U-Net: edges get past the trunk, and G
            does not start as the identity.
        leak: slope of the ReLUs for negative values; 0 in CycleGAN. Without normalization a layer of plain ReLUs can
            die: its outputs are all 0, no gradient passes, and G stays the identity.
        head_spread: with the skip, standard deviation of the head's first weights. A small one makes G start near the
            identity; the smaller it is, the later the layers before it learn.
        ends: side of the first and of the last convolution, the stem and the head; odd (CycleGAN: 7).
        dropout: rate between the two convolutions of each block (CycleGAN's option); regularizes small data sets.
        name: name of the model.

    Returns:
        A functional model: float `(batch, height, width, 3)` in [-1, 1] -> float32 of the same shape.

    Raises:
        ValueError: if a size is not divisible by `2**downsamplings`, or an option is unknown.

    Reference:
        [Zhu et al., 2017](https://arxiv.org/abs/1703.10593), appendix 7.2;
        [He et al., 2015](https://arxiv.org/abs/1512.03385); [Woo et al., 2018](https://arxiv.org/abs/1807.06521).
    """
    _check(input_shape, downsamplings, attention, normalization, upsampling)
    normal = keras.initializers.RandomNormal(0.0, 0.02)
    # Without normalization, N(0, 0.02) makes the signal smaller with each layer.
    spread: Any = normal if normalization == "instance" else keras.initializers.HeNormal()

    def convolution(x: Any, channels: int, size: int, name: str, strides: int = 1, kernel: Any = spread) -> Any:
        return keras.layers.Conv2D(channels, size, strides, kernel_initializer=kernel, name=f"{name}_conv")(x)

    def normalize(x: Any, name: str) -> Any:
        return InstanceNormalization(name=f"{name}_norm")(x) if normalization == "instance" else x

    def activate(x: Any, name: str) -> Any:
        return keras.layers.ReLU(negative_slope=leak, name=f"{name}_relu")(x)

    def reflect(x: Any, padding: int, name: str) -> Any:
        return ReflectionPadding2D(padding, name=f"{name}_pad")(x)

    def attend(x: Any, index: int) -> Any:
        return CBAM(reduction, gate_init, name=f"cbam_{index}")(x)

    def residual_block(x: Any, index: int) -> Any:
        name, channels = f"block_{index}", x.shape[-1]
        y = activate(normalize(convolution(reflect(x, 1, f"{name}a"), channels, 3, f"{name}a"), f"{name}a"), f"{name}a")
        if dropout:
            y = keras.layers.Dropout(dropout, name=f"{name}_dropout")(y)
        y = normalize(convolution(reflect(y, 1, f"{name}b"), channels, 3, f"{name}b", kernel=normal), f"{name}b")
        if attention == "branch":
            y = attend(y, index)
        if residual_scale != 1.0:
            y = keras.layers.Rescaling(residual_scale, name=f"{name}_scale")(y)
        x = keras.layers.Add(name=f"{name}_sum")([x, y])
        return attend(x, index) if attention == "between" else x

    def halve(x: Any, channels: int, name: str) -> Any:
        # The reference pads one row on each side; with stride 2 and even sizes the last row is never read.
        x = keras.layers.ZeroPadding2D(((1, 0), (1, 0)), name=f"{name}_pad")(x)
        return activate(normalize(convolution(x, channels, 3, name, strides=2), name), name)

    def double(x: Any, channels: int, name: str) -> Any:
        if upsampling == "transposed":
            x = keras.layers.Conv2DTranspose(channels, 3, 2, kernel_initializer=spread, name=f"{name}_conv")(x)
            x = BorderCropping2D(((1, 0), (1, 0)), name=f"{name}_crop")(x)  # the reference's alignment
        else:
            x = keras.layers.UpSampling2D(2, name=f"{name}_resize")(x)
            x = convolution(reflect(x, 1, name), channels, 3, name)
        return activate(normalize(x, name), name)

    picture = keras.Input(input_shape, name="deidentified")
    x = activate(normalize(convolution(reflect(picture, ends // 2, "stem"), filters, ends, "stem"), "stem"), "stem")
    passed = [x]  # what each size had on the way down, the largest first
    for level in range(1, downsamplings + 1):
        x = halve(x, 2**level * filters, f"down_{level}")
        passed.append(x)
    for index in range(1, blocks + 1):
        x = residual_block(x, index)
    for level in range(1, downsamplings + 1):
        x = double(x, 2 ** (downsamplings - level) * filters, f"up_{level}")
        if skips:
            x = keras.layers.Add(name=f"up_{level}_sum")([x, passed[downsamplings - level]])
    head: Any = keras.initializers.RandomNormal(0.0, head_spread) if global_skip else normal
    x = convolution(reflect(x, ends // 2, "head"), 3, ends, "head", kernel=head)
    if global_skip:
        restored = keras.layers.Add(name="restored", dtype="float32")([picture, x])
    else:
        restored = keras.layers.Activation("tanh", name="restored", dtype="float32")(x)
    return keras.Model(picture, restored, name=name)


def _check(
    input_shape: tuple[int | None, ...], downsamplings: int, attention: str, normalization: str, upsampling: str
) -> None:
    multiple = 2**downsamplings
    if any(side is not None and side % multiple for side in input_shape[:2]):
        raise ValueError(f"Height and width should be divisible by {multiple}. Received: input_shape={input_shape}")
    for option, value, known in (
        ("attention", attention, ("between", "branch", "none")),
        ("normalization", normalization, ("instance", "none")),
        ("upsampling", upsampling, ("transposed", "resize")),
    ):
        if value not in known:
            raise ValueError(f"`{option}` should be one of {known}. Received: {option}={value!r}")
