"""The work behind the report: maps of a network and of its controls, and a measurement of each."""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np

from keras_deid.errors import UserError
from keras_deid.explain.compose import Explained
from keras_deid.explain.controls import centred_gaussian, edge_map, randomised, shuffled, weights_kept
from keras_deid.explain.localisation import NOTHING, Localisation, localise
from keras_deid.explain.maps import Explainer, enlarge
from keras_deid.explain.targets import PatchView, Target
from keras_deid.models.pixels import to_signed

# Pictures explained at once; the maps do not depend on it.
BATCH_SIZE = 32
# The controls that need maps of their own are told on the first pictures: they would cost twice the maps themselves.
VARIANT_PICTURES = 100
REGIONS = {"mosaic": "de-identified region", "person": "person", "rest": "rest of the person"}
# Pixels around the mosaic that do not count as the rest of the person: a cell of the maps on G's trunk is as wide, over
# which they are smoothed when they are enlarged.
MARGIN = 4
ITSELF = ""  # in the place of a control's name

Progress = Callable[[int], object]


@dataclass(frozen=True)
class Pictures:
    """What is explained, all in memory.

    Attributes:
        x: uint8 `(pictures, height, width, 3)`, de-identified.
        y: the same before that.
        mosaic: bool `(pictures, height, width)`, True where de-identified.
        person: the same, True on the person; all False where that is not known.
        paths: what names each picture.
    """

    x: np.ndarray
    y: np.ndarray
    mosaic: np.ndarray
    person: np.ndarray
    paths: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.paths)

    @property
    def size(self) -> tuple[int, int]:
        """(height, width)."""
        return self.x.shape[1], self.x.shape[2]

    @functools.cached_property
    def near_mosaic(self) -> np.ndarray:
        """The mosaic, and what is no more than `MARGIN` pixels from it: bool `(pictures, height, width)`."""
        square = np.ones((2 * MARGIN + 1, 2 * MARGIN + 1), np.uint8)
        return np.stack([cv2.dilate(mask.astype(np.uint8), square) != 0 for mask in self.mosaic])

    def regions(self) -> dict[str, np.ndarray]:
        """The regions that at least one picture has, by name: bool `(pictures, height, width)` each."""
        named = {"mosaic": self.mosaic, "person": self.person, "rest": self.person & ~self.near_mosaic}
        if not self.mosaic.any():
            del named["rest"]  # is the person
        return {name: region for name, region in named.items() if region.any()}


@dataclass(frozen=True)
class Network:
    """A network under examination.

    Attributes:
        run: what it is called.
        explained: the network.
        role: `ITSELF`, or the name of the control that it serves as.
    """

    run: str
    explained: Explained
    role: str = ITSELF


@dataclass(frozen=True)
class Row:
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
        layers: of the first network.
        rows: the measurements.
        maps: of the first network, by (target, layer): float32 `(pictures, rows, columns)`.
    """

    pictures: Pictures
    targets: Sequence[Target]
    method: str
    layers: tuple[str, ...]
    rows: list[Row] = field(default_factory=list)
    maps: dict[tuple[str, str], np.ndarray] = field(default_factory=dict)


def conduct(
    networks: Sequence[Network],
    pictures: Pictures,
    targets: Sequence[Target],
    method: str,
    progress: Progress = lambda maps: None,
) -> Study:
    """Takes the maps of every network and control, and measures them.

    Args:
        networks: the first is the one that the report is about; others of the same role are its other seeds.
        pictures: at least one.
        targets: at least one.
        method: one of `keras_deid.explain.maps.METHODS`.
        progress: called with the number of maps that each step has computed; see `count_maps`.

    Raises:
        UserError: if there are no pictures, or a network takes others.
    """
    check_pictures(networks, pictures)
    study = Study(pictures, targets, method, networks[0].explained.layers)
    explainers = [Explainer(network.explained.model, network.explained.layers, method) for network in networks]
    for target in targets:
        for network, explain in zip(networks, explainers, strict=True):
            _examine(study, network, explain, target, progress)
            if network.role == ITSELF:
                _examine_variants(study, network, explain, target, progress)
    return study


def count_maps(networks: Sequence[Network], pictures: int, targets: int) -> int:
    """How many maps `conduct` will compute."""
    variants = 2 * min(pictures, VARIANT_PICTURES)
    each = (pictures + variants if network.role == ITSELF else pictures for network in networks)
    layers = (len(network.explained.layers) for network in networks)
    return targets * sum(map(operator.mul, each, layers))


def check_pictures(networks: Sequence[Network], pictures: Pictures) -> None:
    """Sees that there are pictures with something to look for, and that every network takes them.

    Raises:
        UserError: if not.
    """
    if not len(pictures):
        raise UserError("no pictures to explain; choose another folder, data set or split")
    if not pictures.regions():
        raise UserError("no picture has a de-identified region or a person mask: there is nothing to look for on a map")
    for network in networks:
        expected = network.explained.generator.input_shape[1:3]
        if any(side not in (None, given) for side, given in zip(expected, pictures.size, strict=True)):
            raise UserError(
                f"{network.run}: takes pictures of {expected[0]} x {expected[1]} pixels, these are "
                f"{pictures.size[0]} x {pictures.size[1]}"
            )


def weights_for(explained: Explained, target: Target, masks: np.ndarray) -> np.ndarray:
    """Weighs the patches of a network for a target: float32 `(pictures, rows, columns)`."""
    rows, columns = explained.model.compute_output_shape((None, *masks.shape[1:], 3))[1:3]
    return target.patch_weights(masks, PatchView.of(explained.discriminator), rows, columns)


def _examine(study: Study, network: Network, explain: Explainer, target: Target, progress: Progress) -> None:
    """Measures a network's maps on the de-identified pictures, and what can be compared with them without it."""
    pictures = study.pictures
    bell = np.broadcast_to(centred_gaussian(pictures.size), (len(pictures), *pictures.size))
    weights = weights_for(network.explained, target, pictures.mosaic)
    for place, maps in _maps(explain, pictures.x, weights, progress):
        measure = _Measurement(study, network.run, place, target)
        measure.add(network.role, maps)
        if network.role == ITSELF:
            study.maps.setdefault((target.name, place[0]), maps)
            measure.add("centred gaussian", bell)
            measure.add("edges", np.stack([edge_map(picture, maps.shape[1:]) for picture in pictures.x]))
            measure.add_shuffled(maps)


def _examine_variants(study: Study, network: Network, explain: Explainer, target: Target, progress: Progress) -> None:
    """Measures the maps of the network with random weights, and of the network on what was never de-identified."""
    pictures, explained = study.pictures, network.explained
    weights = weights_for(explained, target, pictures.mosaic[:VARIANT_PICTURES])

    def measure(control: str, shown: np.ndarray) -> None:
        for place, maps in _maps(explain, shown[:VARIANT_PICTURES], weights, progress):
            _Measurement(study, network.run, place, target).add(control, maps)

    with weights_kept(explained):
        explained.model.set_weights(randomised(explained).model.get_weights())
        measure("random weights", pictures.x)
    measure("original photo", pictures.y)


def _maps(
    explain: Explainer, shown: np.ndarray, weights: np.ndarray, progress: Progress
) -> Iterator[tuple[tuple[str, int], np.ndarray]]:
    """Yields ((layer, depth), maps of the pictures shown)."""
    batches: dict[str, list[np.ndarray]] = {}
    for first in range(0, len(shown), BATCH_SIZE):
        some = slice(first, first + BATCH_SIZE)
        for layer, maps in explain(np.asarray(to_signed(shown[some])), weights[some]).items():
            batches.setdefault(layer, []).append(maps)
            progress(len(maps))
    for depth, (layer, parts) in enumerate(batches.items(), 1):
        yield (layer, depth), np.concatenate(parts)


@dataclass(frozen=True)
class _Measurement:
    """Adds rows about one network, layer and target to a study."""

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
                without = pictures.near_mosaic[whose[index]] if region == "rest" else None
                found = localise(whole, masks[whose[index]], without) if masks[index].any() else NOTHING
                self.study.rows.append(
                    Row(
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
