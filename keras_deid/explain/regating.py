"""What CBAM's spatial gates are good for: how much worse a picture is restored when other gates take their place."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import cv2
import keras
import numpy as np

from keras_deid.evaluation.image_quality import psnr
from keras_deid.explain.controls import shuffled
from keras_deid.explain.networks import ITSELF, Network
from keras_deid.explain.pictures import Pictures
from keras_deid.models.pixels import to_signed, to_uint8
from keras_deid.statistics import Estimate

REGATED_PICTURES = 64
"""The first pictures; each is restored once for every module and replacement."""
ALL_MODULES = "all"

Replacement = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""Gates `(pictures, rows, columns)`, and bool of the same shape, True in the de-identified region -> other gates."""


def mean_gate(gates: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """Gives all positions of a picture the mean of its gate: as much passes, but from everywhere alike."""
    return np.broadcast_to(gates.mean(axis=(1, 2), keepdims=True), gates.shape)


def others_gate(gates: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """Gives each picture the gate of another one."""
    return gates[shuffled(len(gates))]


def background_gate(gates: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """Moves each gate's values: the lowest ones into the region, the others out of it, in their order otherwise."""
    flat, region = gates.reshape(len(gates), -1), inside.reshape(len(gates), -1)
    places = np.lexsort((flat, ~region), axis=-1)
    moved = np.empty_like(flat)
    np.put_along_axis(moved, places, np.sort(flat, axis=-1), axis=-1)
    return moved.reshape(gates.shape)


REPLACEMENTS: dict[str, Replacement] = {"mean": mean_gate, "another": others_gate, "background": background_gate}


@dataclass(frozen=True)
class Regating:
    """What a replacement of gates costs.

    Attributes:
        module: whose spatial gates were replaced, or `ALL_MODULES`.
        replacement: one of `REPLACEMENTS`.
        lost: dB of PSNR in the de-identified region, with the network's own gates minus with the others, picture by
            picture: above 0 where the own gates restore better.
    """

    module: str
    replacement: str
    lost: Estimate

    def as_json(self) -> dict[str, Any]:
        """Returns the form of `localisation.json`."""
        return asdict(self)


def regate(networks: Sequence[Network], pictures: Pictures) -> list[Regating]:
    """Replaces the spatial gates of each CBAM module, and of all together.

    Args:
        networks: those of the role `ITSELF` are seeds of one network, over which the estimates are.
        pictures: of which the first `REGATED_PICTURES` are restored.

    Returns:
        one for each module and replacement, then those of all modules; nothing without CBAM, without a de-identified
        region, or of a single picture, which there is no other one for.
    """
    of_runs = [network.chain for network in networks if network.role == ITSELF]
    if not all(chain.has_attention for chain in of_runs) or len(pictures) < 2 or not pictures.mask.any():
        return []
    modules = of_runs[0].layers
    replaced = [(name, [name]) for name in modules] + ([(ALL_MODULES, list(modules))] if len(modules) > 1 else [])
    lost = [_lost(Regated(chain.generator, modules), pictures, [names for _, names in replaced]) for chain in of_runs]
    return [
        Regating(name, replacement, Estimate.over_runs(np.stack([of_run[place, replacement] for of_run in lost])))
        for place, (name, _) in enumerate(replaced)
        for replacement in REPLACEMENTS
    ]


class Regated:
    """A generator that can be run with other spatial gates than its own.

    Args:
        generator: float `(batch, height, width, 3)` in [-1, 1] -> the same; is not changed.
        modules: names of its CBAM modules, from the input on.
    """

    def __init__(self, generator: keras.Model, modules: Sequence[str]) -> None:
        self._layers = [generator.get_layer(name) for name in modules]
        outputs = [layer.output for layer in self._layers]
        # From the picture, and what the modules before it gave, to what each module gets.
        self._before = [
            keras.Model([generator.input, *outputs[:index]], layer.input) for index, layer in enumerate(self._layers)
        ]
        self._after = keras.Model([generator.input, *outputs], generator.output)

    def __call__(
        self, x: np.ndarray, inside: np.ndarray, modules: Collection[str] = (), replacement: Replacement = mean_gate
    ) -> np.ndarray:
        """Restores pictures.

        Args:
            x: float32 `(batch, height, width, 3)` in [-1, 1].
            inside: `(batch, height, width)`, not 0 in the de-identified region.
            modules: names of those whose gates are replaced.
            replacement: of their gates.

        Returns:
            uint8 `(batch, height, width, 3)`.
        """
        picture = keras.ops.convert_to_tensor(x)
        outputs: list[Any] = []
        for layer, before in zip(self._layers, self._before, strict=True):
            features = layer.channel_attention(before([picture, *outputs], training=False))
            gate = layer.spatial_attention.gate(features)
            if layer.name in modules:
                own = keras.ops.convert_to_numpy(keras.ops.cast(gate, "float32"))[..., 0]
                other = replacement(own, _shrunk(inside, own.shape[1:]))
                gate = keras.ops.cast(other[..., None], gate.dtype)
            outputs.append(features * gate)
        return keras.ops.convert_to_numpy(to_uint8(self._after([picture, *outputs], training=False)))


def _lost(regated: Regated, pictures: Pictures, replaced: Sequence[Sequence[str]]) -> dict[tuple[int, str], np.ndarray]:
    """Returns the dB that each picture loses, by the number in `replaced` and the replacement."""
    count = min(len(pictures), REGATED_PICTURES)
    batches = np.array_split(np.arange(count), max(1, count // pictures.batch))
    lost: dict[tuple[int, str], list[np.ndarray]] = {}
    for batch in batches:
        x, inside = np.asarray(to_signed(pictures.x[batch])), pictures.mask[batch]
        own = _psnr(pictures.y[batch], regated(x, inside), inside)
        for place, modules in enumerate(replaced):
            for name, replacement in REPLACEMENTS.items():
                other = _psnr(pictures.y[batch], regated(x, inside, modules, replacement), inside)
                lost.setdefault((place, name), []).append(own - other)
    return {key: np.concatenate(parts) for key, parts in lost.items()}


def _psnr(originals: np.ndarray, restored: np.ndarray, inside: np.ndarray) -> np.ndarray:
    return np.array([psnr(*triple) for triple in zip(originals, restored, inside, strict=True)])


def _shrunk(masks: np.ndarray, size: tuple[int, ...]) -> np.ndarray:
    """Marks the cells of which at least a half is inside."""
    rows, columns = size
    cells = [cv2.resize(mask.astype(np.float32), (columns, rows), interpolation=cv2.INTER_AREA) for mask in masks]
    return np.stack(cells) >= 0.5
