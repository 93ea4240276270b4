"""The work behind the report: maps of networks and of their controls, and a measurement of each."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from keras_deid.data.evaluation_examples import evaluation_batch
from keras_deid.explain.controls import ORIGINAL, centred_gaussian, edge_map, randomised, shuffled, weights_kept
from keras_deid.explain.localisation import METRICS, NOTHING, Localisation, localise
from keras_deid.explain.maps import Explainer, enlarge, layers_of
from keras_deid.explain.networks import ITSELF, Network, check_networks, weights_for
from keras_deid.explain.pictures import Pictures
from keras_deid.explain.targets import Target
from keras_deid.models.pixels import to_signed
from keras_deid.progress import Counter, Progress, silent

# Controls with maps of their own are computed on the first pictures only: they would cost twice the maps themselves.
VARIANT_PICTURES = 100
COLUMNS = ("run", "path", "layer", "depth", "target", "control", "region", *METRICS, "zero")


@dataclass(frozen=True)
class Measurement:
    """One measurement.

    Attributes:
        run: whose maps these are.
        path: of the picture.
        layer: that the map was taken at; of a control that has no layers, the one that it is compared with.
        depth: number of the layer, from 1 at the input.
        target: name of the target.
        control: `ITSELF`, or the name of the control.
        region: one of `REGIONS`.
        found: the measurement.
        zero: whether the map is zero everywhere.
    """

    run: str
    path: str
    layer: str
    depth: int
    target: str
    control: str
    region: str
    found: Localisation
    zero: bool


@dataclass
class Study:
    """All measurements, and the maps that the report shows.

    Attributes:
        pictures: that were explained.
        targets: whose scores were.
        method: of the maps.
        layers: that the maps of the first network were taken at.
        measurements: of every map.
        maps: of the first network, by (target, layer): float32 `(pictures, rows, columns)`.
    """

    pictures: Pictures
    targets: Sequence[Target]
    method: str
    layers: tuple[str, ...]
    measurements: list[Measurement] = field(default_factory=list)
    maps: dict[tuple[str, str], np.ndarray] = field(default_factory=dict)

    def table(self) -> pd.DataFrame:
        """Returns a row for each measurement, with `COLUMNS`; NaN where there is nothing to measure."""
        rows = [{**vars(one), **vars(one.found)} for one in self.measurements]
        return pd.DataFrame(rows, columns=COLUMNS)


def conduct(
    networks: Sequence[Network],
    pictures: Pictures,
    targets: Sequence[Target],
    method: str,
    progress: Progress = silent,
) -> Study:
    """Takes the maps of every network and control, and measures them.

    Args:
        networks: the first is the one that the report is about; others of the same role are its other seeds.
        pictures: at least one.
        targets: at least one.
        method: one of `keras_deid.explain.maps.METHODS`.
        progress: called with the number of maps computed, of those that there will be.

    Raises:
        UserError: if there are no pictures, or a network takes others.
    """
    check_networks(networks, pictures)
    study = Study(pictures, targets, method, layers_of(networks[0].chain, method))
    explainers = [Explainer(network.chain.model, layers_of(network.chain, method), method) for network in networks]
    counter = Counter(progress, count_maps(networks, len(pictures), len(targets), method), "maps")
    for target in targets:
        for network, explain in zip(networks, explainers, strict=True):
            _examine(study, network, explain, target, counter.add)
            if network.role == ITSELF:
                _examine_variants(study, network, explain, target, counter.add)
    return study


def count_maps(networks: Sequence[Network], pictures: int, targets: int, method: str) -> int:
    """How many maps `conduct` will compute."""
    of_variants = 2 * min(pictures, VARIANT_PICTURES)
    return targets * sum(
        len(layers_of(network.chain, method)) * (pictures + (of_variants if network.role == ITSELF else 0))
        for network in networks
    )


def _examine(study: Study, network: Network, explain: Explainer, target: Target, done: Callable[[int], None]) -> None:
    """Measures a network's maps on the de-identified pictures, and what can be compared with them without it."""
    pictures = study.pictures
    bell = np.broadcast_to(centred_gaussian(pictures.size), (len(pictures), *pictures.size))
    weights = weights_for(network.chain, target, pictures.mask)
    for place, maps in _maps(explain, pictures.x, weights, done):
        measure = _Measuring(study, network.run, place, target)
        measure.add(network.role, maps)
        if network.role == ITSELF:
            study.maps.setdefault((target.name, place[0]), maps)
            measure.add("centred gaussian", bell)
            measure.add("edges", np.stack([edge_map(picture, maps.shape[1:]) for picture in pictures.x]))
            measure.add_shuffled(maps)


def _examine_variants(
    study: Study, network: Network, explain: Explainer, target: Target, done: Callable[[int], None]
) -> None:
    """Measures the maps of the network with random weights, and of the network on what was never de-identified."""
    pictures, chain = study.pictures, network.chain
    weights = weights_for(chain, target, pictures.mask[:VARIANT_PICTURES])

    def measure(control: str, shown: np.ndarray) -> None:
        for place, maps in _maps(explain, shown[:VARIANT_PICTURES], weights, done):
            _Measuring(study, network.run, place, target).add(control, maps)

    with weights_kept(chain):
        chain.model.set_weights(randomised(chain).model.get_weights())
        measure("random weights", pictures.x)
    measure(ORIGINAL, pictures.y)


def _maps(
    explain: Explainer, shown: np.ndarray, weights: np.ndarray, done: Callable[[int], None]
) -> Iterator[tuple[tuple[str, int], np.ndarray]]:
    """Yields ((layer, depth), maps of the pictures shown)."""
    batches: dict[str, list[np.ndarray]] = {}
    size = evaluation_batch(shown.shape[1:3])
    for first in range(0, len(shown), size):
        some = slice(first, first + size)
        for layer, maps in explain(np.asarray(to_signed(shown[some])), weights[some]).items():
            batches.setdefault(layer, []).append(maps)
            done(len(maps))
    for depth, (layer, parts) in enumerate(batches.items(), 1):
        yield (layer, depth), np.concatenate(parts)


@dataclass(frozen=True)
class _Measuring:
    """Adds measurements of one network, layer and target to a study."""

    study: Study
    run: str
    place: tuple[str, int]
    target: Target

    def add(self, control: str, maps: np.ndarray) -> None:
        """Measures each picture's map, of any resolution, against the picture's regions."""
        self._add(control, maps, np.arange(len(maps)))

    def add_shuffled(self, maps: np.ndarray) -> None:
        """Measures each picture's map against another one's regions."""
        if len(maps) > 1:
            self._add("shuffled masks", maps, shuffled(len(maps)))

    def _add(self, control: str, maps: np.ndarray, whose: np.ndarray) -> None:
        pictures = self.study.pictures
        for index, attention in enumerate(maps):
            whole = enlarge(attention[None], pictures.size)[0]
            for region, masks in pictures.regions().items():
                without = pictures.near_mask[whose[index]] if region == "rest" else None
                found = localise(whole, masks[whose[index]], without) if masks[index].any() else NOTHING
                self.study.measurements.append(
                    Measurement(
                        self.run,
                        pictures.paths[index],
                        *self.place,
                        self.target.name,
                        control,
                        region,
                        found,
                        zero=not attention.any(),
                    )
                )
