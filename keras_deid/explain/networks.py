"""The networks under examination: loaded, chained, and checked to be comparable."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from keras_deid.errors import UserError
from keras_deid.explain.chain import Chain, chain
from keras_deid.explain.controls import NO_CBAM
from keras_deid.explain.pictures import Pictures, check_pictures
from keras_deid.explain.targets import PatchView, Target
from keras_deid.models.saved import load_discriminator, load_generator

ITSELF = ""  # in the place of a control's name


@dataclass(frozen=True)
class Network:
    """A network under examination.

    Attributes:
        run: what it is called.
        chain: G and D.
        role: `ITSELF`, or the name of the control that it serves as.
    """

    run: str
    chain: Chain
    role: str = ITSELF


def load_network(run: Path, role: str = ITSELF, beside: Network | None = None) -> Network:
    """Loads G and D of a run and puts one behind the other.

    Args:
        run: folder with `generator.keras` and `discriminator.keras`.
        role: `ITSELF` or `NO_CBAM`.
        beside: the network that one without CBAM is compared with.

    Raises:
        UserError: if one of them is missing or broken, or they do not fit each other.
    """
    other = None if beside is None else beside.chain
    return Network(run.name, chain(load_generator(run), load_discriminator(run), other), role)


def load_networks(runs: Sequence[Path], versus: Sequence[Path]) -> list[Network]:
    """Loads the runs that the report is about, then those without CBAM that they are compared with.

    Raises:
        UserError: if a run cannot be loaded, one of `versus` has CBAM, or the runs are not seeds of one network.
    """
    of_runs = [load_network(run) for run in runs]
    without = [load_network(run, NO_CBAM, of_runs[0]) for run in versus]
    networks = of_runs + without
    _check_names(networks)
    _check_layers(of_runs, "several runs must differ by seed only")
    _check_layers(without, "the runs after --versus must differ by seed only")
    for other in without:
        if other.chain.has_attention:
            raise UserError(f"{other.run}: has CBAM; --versus takes runs without (generator.attention=none)")
        ours, theirs = len(of_runs[0].chain.layers), len(other.chain.layers)
        if ours != theirs:
            raise UserError(
                f"{other.run}: has {theirs} layers to take maps at, {of_runs[0].run} has {ours}; --versus takes runs "
                "of the same depth"
            )
    return networks


def check_networks(networks: Sequence[Network], pictures: Pictures) -> None:
    """Sees that there are pictures with something to look for, and that every network takes them.

    Raises:
        UserError: if not.
    """
    check_pictures(pictures)
    for network in networks:
        expected = network.chain.generator.input_shape[1:3]
        if any(side not in (None, given) for side, given in zip(expected, pictures.size, strict=True)):
            raise UserError(
                f"{network.run}: takes pictures of {expected[0]} x {expected[1]} pixels, these are "
                f"{pictures.size[0]} x {pictures.size[1]}"
            )


def weights_for(network: Chain, target: Target, masks: np.ndarray) -> np.ndarray:
    """Weighs the patches of a network for a target: float32 `(pictures, rows, columns)`."""
    rows, columns = network.model.compute_output_shape((None, *masks.shape[1:], 3))[1:3]
    return target.patch_weights(masks, PatchView.of(network.discriminator), rows, columns)


def _check_names(networks: Sequence[Network]) -> None:
    names = [network.run for network in networks]
    for name in names:
        if names.count(name) > 1:
            raise UserError(f"{name}: several runs have this name; rename their folders")


def _check_layers(networks: Sequence[Network], rule: str) -> None:
    if len({network.chain.layers for network in networks}) > 1:
        raise UserError(f"{', '.join(network.run for network in networks)}: have different layers; {rule}")
