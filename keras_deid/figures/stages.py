"""A network as the stages that a drawing shows, read from its layers."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import keras

from keras_deid.layers.cbam import CBAM
from keras_deid.layers.instance_norm import InstanceNormalization

# What closes a network counts as part of the stage before it.
_CLOSING = {"restored": "head", "patch": "verdict"}


@dataclass(frozen=True)
class Stage:
    """Layers that belong together.

    Attributes:
        name: as the layers' names begin: "stem", "down_1", "block_1", "cbam_1", ...
        operations: what they do, in their order, without padding and cropping.
        shape: (height, width, channels) of what comes out; None where any size will do.
        has_attention: whether CBAM is among them.
    """

    name: str
    operations: tuple[str, ...]
    shape: tuple[int | None, ...]
    has_attention: bool

    @property
    def kind(self) -> str:
        """The name without a number."""
        return re.sub(r"_\d+$", "", self.name)


@dataclass(frozen=True)
class Part:
    """Stages that follow each other so many times.

    Attributes:
        stages: of one repetition; the first ones of their kind.
        times: at least 1.
    """

    stages: tuple[Stage, ...]
    times: int


@dataclass(frozen=True)
class Drawn:
    """What a drawing shows of a network.

    Attributes:
        name: of the network.
        parts: from the input on.
        skips: (from, to): numbers of the stages, counted through all parts, between which something passes by those
            that lie between them.
        parameters: how many weights are trained.
    """

    name: str
    parts: tuple[Part, ...]
    skips: tuple[tuple[int, int], ...]
    parameters: int

    @property
    def stages(self) -> list[Stage]:
        """All stages that are drawn, from the input on."""
        return [stage for part in self.parts for stage in part.stages]


def drawn(network: keras.Model) -> Drawn:
    """Reads from a network what its drawing shows.

    Args:
        network: functional; its layers are named `STAGE...`, as in `keras_deid.models`.
    """
    layers = _by_stage(network)
    stages = [_stage(name, some) for name, some in layers.items()]
    parts, drawn_as = _parts(stages)
    place = {name: drawn_as[number] for number, name in enumerate(layers)}
    skips = {
        (place[start], place[stop])
        for stop, some in layers.items()
        for layer in some
        for start in map(_stage_of(network), _producers(layer))
    }
    return Drawn(
        network.name,
        tuple(parts),
        tuple(sorted((start, stop) for start, stop in skips if stop - start > 1)),
        sum(math.prod(weight.shape) for weight in network.trainable_weights),
    )


def _by_stage(network: keras.Model) -> dict[str, list[Any]]:
    name_of = _stage_of(network)
    stages: dict[str, list[Any]] = {}
    for layer in network.layers:
        stages.setdefault(name_of(layer), []).append(layer)
    return stages


def _stage_of(network: keras.Model) -> Any:
    """Returns what names a layer's stage; CBAM in a residual branch belongs to the branch's block."""
    in_block = {
        producer.name: block.group()
        for layer in network.layers
        if (block := re.match(r"block_\d+", layer.name))
        for producer in _producers(layer)
        if producer.name == block.group().replace("block", "cbam")
    }

    def name_of(layer: Any) -> str:
        if layer.name in in_block:
            return in_block[layer.name]
        found = re.match(r"[a-z]+(_\d+)?", layer.name)
        name = found.group() if found else layer.name
        return _CLOSING.get(name, name)

    return name_of


def _producers(layer: Any) -> list[Any]:
    if isinstance(layer, keras.layers.InputLayer):
        return []
    inputs = layer.input if isinstance(layer.input, list) else [layer.input]
    return [one._keras_history.operation for one in inputs]


def _stage(name: str, layers: Sequence[Any]) -> Stage:
    return Stage(
        name,
        tuple(words for layer in layers if (words := _operation(layer))),
        tuple(layers[-1].output.shape[1:]),
        any(isinstance(layer, CBAM) for layer in layers),
    )


def _operation(layer: Any) -> str:
    """Says what a layer does; nothing for one that only pads, crops or hands on."""
    match layer:
        case keras.layers.Conv2DTranspose():
            return f"transposed conv {_kernel(layer)}"
        case keras.layers.Conv2D():
            return f"conv {_kernel(layer)}"
        case CBAM():
            kernel = layer.spatial_attention.kernel_size
            return f"CBAM: channel gate, spatial gate {kernel}×{kernel}"
        case InstanceNormalization():
            return "instance norm"
        case keras.layers.BatchNormalization():
            return "batch norm"
        case keras.layers.ReLU():
            return "leaky ReLU" if layer.negative_slope else "ReLU"
        case keras.layers.LeakyReLU():
            return "leaky ReLU"
        case keras.layers.Activation():
            name = keras.activations.serialize(layer.activation)
            return "" if name == "linear" else str(name)
        case keras.layers.Dropout():
            return f"dropout {layer.rate:g}"
        case keras.layers.Rescaling():
            return f"× {layer.scale:g}"
        case keras.layers.UpSampling2D():
            return f"enlarge × {layer.size[0]}"
        case keras.layers.Add():
            return "+"
        case keras.layers.Concatenate():
            return "concatenate"
    return ""


def _kernel(layer: Any) -> str:
    (height, width), (stride, _) = layer.kernel_size, layer.strides
    return f"{height}×{width}" + (f", stride {stride}" if stride > 1 else "")


def _parts(stages: Sequence[Stage]) -> tuple[list[Part], list[int]]:
    """Takes repetitions together; returns also the number of the drawn stage that stands for each of the stages."""
    signature = [(stage.kind, stage.operations, stage.shape) for stage in stages]
    parts: list[Part] = []
    drawn_as: list[int] = []
    place = shown = 0
    while place < len(stages):
        length, times = max(((length, _repeats(signature, place, length)) for length in (1, 2)), key=_saved)
        if times == 1:
            length = 1
        parts.append(Part(tuple(stages[place : place + length]), times))
        drawn_as += [shown + number for _ in range(times) for number in range(length)]
        place, shown = place + length * times, shown + length
    return parts, drawn_as


def _repeats(signature: Sequence[Any], start: int, length: int) -> int:
    unit, times = signature[start : start + length], 1
    while len(unit) == length and signature[start + times * length : start + (times + 1) * length] == unit:
        times += 1
    return times


def _saved(candidate: tuple[int, int]) -> int:
    length, times = candidate
    return length * (times - 1)
