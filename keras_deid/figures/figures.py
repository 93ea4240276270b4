"""Both figures of a run."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np

from keras_deid.explain.maps import Explainer
from keras_deid.explain.networks import Network, check_networks, weights_for
from keras_deid.explain.pictures import Pictures
from keras_deid.explain.targets import TARGETS
from keras_deid.figures.network_drawing import network_figure
from keras_deid.figures.people import people_figure, spread, various
from keras_deid.figures.style import write_figure
from keras_deid.locking import locked_folder
from keras_deid.models.pixels import to_signed, to_uint8

NETWORK, PEOPLE = "network", "people"


def write_figures(network: Network, pictures: Pictures, out: Path, rows: int) -> list[int]:
    """Writes `network.pdf`, `people.pdf`, and both as `.png`.

    Args:
        network: from `load_network`.
        pictures: those to choose from.
        out: folder to write; made if it does not exist.
        rows: people to show at most.

    Returns:
        the numbers of the pictures that are shown.

    Raises:
        UserError: if the network does not take the pictures, or `out` cannot be written.
    """
    check_networks([network], pictures)
    shown = various(pictures, rows)
    chosen = dataclasses.replace(
        pictures,
        **{name: getattr(pictures, name)[shown] for name in ("x", "y", "mask", "person")},
        paths=tuple(pictures.paths[index] for index in shown),
        boxes=None if pictures.boxes is None else pictures.boxes[shown],
    )
    chain, x = network.chain, np.asarray(to_signed(chosen.x))
    restored = np.asarray(to_uint8(chain.generator(x, training=False)))
    layers = spread(chain.layers)
    maps = Explainer(chain.model, layers)(x, weights_for(chain, TARGETS["real"], chosen.mask))
    with locked_folder(out, f"{out}: is being written by another process; wait for it or choose another --out"):
        write_figure(out / NETWORK, network_figure(chain, chosen.x[0], restored[0]))
        write_figure(out / PEOPLE, people_figure(chosen, restored, maps))
    return shown
