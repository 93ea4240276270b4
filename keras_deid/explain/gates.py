"""CBAM's own gates: what each module lets through, before anything is explained."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import keras
import numpy as np

from keras_deid.explain.chain import Chain


@dataclass(frozen=True)
class Gates:
    """The gates of one CBAM module on some pictures.

    Attributes:
        spatial: float32 `(pictures, rows, columns)` in (0, 1).
        channel: float32 `(pictures, channels)` in (0, 1).
    """

    spatial: np.ndarray
    channel: np.ndarray


def attention_gates(network: Chain, x: np.ndarray) -> dict[str, Gates]:
    """Reads the gates of every CBAM module.

    Args:
        network: a chained network.
        x: float32 `(batch, height, width, 3)` in [-1, 1].

    Returns:
        gates by the module's name, from the input on; empty for a network without CBAM.
    """
    if not network.has_attention:
        return {}
    return dict(zip(network.layers, gate_reader(network.generator, network.layers)(x), strict=True))


def gate_reader(model: keras.Model, modules: Sequence[str]) -> Callable[[np.ndarray], list[Gates]]:
    """Returns what reads the gates of CBAM modules, of one batch after the other.

    Args:
        model: float `(batch, height, width, 3)` in [-1, 1] in.
        modules: names of its CBAM modules, at least one.
    """
    layers = [model.get_layer(name) for name in modules]
    before = keras.Model(model.input, [layer.input for layer in layers])

    def read(x: np.ndarray) -> list[Gates]:
        inputs = before(x, training=False)
        inputs = inputs if isinstance(inputs, list) else [inputs]
        return [_gates(layer, features) for layer, features in zip(layers, inputs, strict=True)]

    return read


def _gates(module: keras.layers.Layer, features: object) -> Gates:
    channel = module.channel_attention.gate(features)
    spatial = module.spatial_attention.gate(module.channel_attention(features))
    return Gates(_numpy(spatial)[..., 0], _numpy(channel)[:, 0, 0])


def _numpy(tensor: object) -> np.ndarray:
    return keras.ops.convert_to_numpy(keras.ops.cast(tensor, "float32"))
