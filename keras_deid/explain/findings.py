"""From the measurements to means with intervals, and differences to every control."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from keras_deid.explain.controls import CONTROLS, NO_CBAM, ORIGINAL, shuffled_overlap
from keras_deid.explain.localisation import METRICS
from keras_deid.explain.networks import ITSELF
from keras_deid.explain.study import Study
from keras_deid.statistics import Estimate

# Mean intersection over union of the regions that pictures exchange, above which that says nothing.
OVERLAP_LIMIT = 0.5


@dataclass(frozen=True)
class Comparison:
    """A control's energy, and how far the maps' is above it, picture by picture.

    Attributes:
        control: its name.
        value: its energy.
        difference: of the maps' energy and the control's.
        pictures: that both have a measurement for.
        decides: whether the verdict falls with it; see `deciding`.
        runs: its mean energy in each run, where there are several.
    """

    control: str
    value: Estimate
    difference: Estimate
    pictures: int
    decides: bool
    runs: dict[str, float | None]

    @property
    def is_beaten(self) -> bool:
        """Whether the interval of the difference lies above zero."""
        return self.difference.is_above_zero

    @property
    def is_ahead(self) -> bool:
        """Whether the interval of the difference lies below zero."""
        return self.difference.is_below_zero

    def as_json(self) -> dict[str, Any]:
        """Returns the form of `localisation.json`."""
        return {
            "energy": vars(self.value),
            "difference": vars(self.difference),
            "pictures": self.pictures,
            "decides": self.decides,
            "is_beaten": self.is_beaten,
            "runs": self.runs,
        }


@dataclass(frozen=True)
class Finding:
    """What was found out about one layer, target and region.

    Attributes:
        target: its name.
        region: one of `keras_deid.explain.pictures.REGIONS`.
        layer: its name.
        depth: its number, from 1 at the input.
        pictures: with a map and a region, over which the means are.
        zero_maps: pictures whose map is zero everywhere; they are in no mean.
        metrics: the estimate of each of `METRICS`.
        comparisons: the energy of each control.
        runs: mean energy of each run, where there are several.
    """

    target: str
    region: str
    layer: str
    depth: int
    pictures: int
    zero_maps: int
    metrics: dict[str, Estimate]
    comparisons: list[Comparison]
    runs: dict[str, float | None]

    @property
    def seeds(self) -> int:
        """How many runs the means are over."""
        return max(1, len(self.runs))

    @property
    def is_above_flat(self) -> bool:
        """Whether the interval of the energy lies above that of a flat map."""
        low = self.metrics["energy"].low
        return low is not None and low > 1

    @property
    def holds(self) -> bool:
        """Whether the maps put more on the region than a flat map and than every control."""
        return self.is_above_flat and all(comparison.is_beaten for comparison in self.comparisons if comparison.decides)

    @property
    def strongest(self) -> Comparison | None:
        """The control that is hardest to beat."""
        known = [
            comparison
            for comparison in self.comparisons
            if comparison.decides and comparison.difference.mean is not None
        ]
        return min(known, key=lambda comparison: comparison.difference.mean or 0.0, default=None)

    def comparison(self, control: str) -> Comparison | None:
        """Returns what is known about a control."""
        return next((comparison for comparison in self.comparisons if comparison.control == control), None)

    @property
    def unbeaten(self) -> list[str]:
        """The controls that decide and that the maps are not above."""
        return [one.control for one in self.comparisons if one.decides and not one.is_beaten]

    def as_json(self) -> dict[str, Any]:
        """Returns the form of `localisation.json`."""
        return {
            "target": self.target,
            "region": self.region,
            "layer": self.layer,
            "depth": self.depth,
            "pictures": self.pictures,
            "zero_maps": self.zero_maps,
            **{metric: vars(estimate) for metric, estimate in self.metrics.items()},
            "controls": {comparison.control: comparison.as_json() for comparison in self.comparisons},
            "runs": self.runs,
            "is_above_flat": self.is_above_flat,
            "strongest_control": None if self.strongest is None else self.strongest.control,
            "holds": self.holds,
        }


def summarise(study: Study, members: np.ndarray | None = None) -> list[Finding]:
    """Sums a study up: a finding for each target, region and layer.

    Several runs of one role are seeds of one experiment. Means are over runs and pictures, and so are their intervals;
    a picture that one of the runs has no map for is left out, since it would be compared with fewer runs than the
    others. A control is compared at the same depth, on the pictures that both have.

    Args:
        study: the measurements.
        members: bool `(pictures,)`, the pictures that count; None for all. Which controls decide is a matter of all
            pictures, since shuffled masks are exchanged among these.
    """
    values = _Values(study, members)
    decide = {region: deciding(region, shuffled_overlap(masks)) for region, masks in study.pictures.regions().items()}
    return [
        _finding(values, (target.name, region), (layer, depth), decide[region])
        for target in study.targets
        for region in decide
        for depth, layer in enumerate(study.layers, 1)
    ]


def deciding(region: str, overlap: float) -> set[str]:
    """Names the controls that a verdict about a region falls with.

    The network without CBAM decides another one: whether CBAM is what makes the difference. Two others may fail to
    tell. The person is there before it is de-identified, so maps that lie on it on the original photo as well do not
    contradict the paper; maps of a mosaic do where there is none. And where all pictures have their region in the same
    place, as crops around a face do, another picture's region is as good as their own.

    Args:
        region: one of `keras_deid.explain.pictures.REGIONS`.
        overlap: from `keras_deid.explain.controls.shuffled_overlap`.
    """
    undecided = {NO_CBAM} if region == "mask" else {NO_CBAM, ORIGINAL}
    if overlap > OVERLAP_LIMIT:
        undecided.add("shuffled masks")
    return set(CONTROLS) - undecided


def grouped(findings: Sequence[Finding]) -> list[list[Finding]]:
    """Groups findings by target and region, in their order."""
    groups: dict[tuple[str, str], list[Finding]] = {}
    for finding in findings:
        groups.setdefault((finding.target, finding.region), []).append(finding)
    return list(groups.values())


class _Values:
    """Looks measurements up: arrays over runs and pictures."""

    def __init__(self, study: Study, members: np.ndarray | None) -> None:
        every = np.ones(len(study.pictures), bool) if members is None else members
        self._paths = [path for path, counts in zip(study.pictures.paths, every, strict=True) if counts]
        table = study.table()
        groups = table[table["path"].isin(self._paths)].groupby(["target", "region", "depth", "control"], sort=False)
        self._groups: dict[Any, pd.DataFrame] = dict(iter(groups))

    def controls(self, target: str, region: str, depth: int) -> list[str]:
        """Returns the controls that there are."""
        return [name for name in CONTROLS if (target, region, depth, name) in self._groups]

    def of(self, key: tuple[str, str, int, str], metric: str) -> pd.DataFrame:
        """Returns a row for each run and a column for each picture, NaN where there is nothing to measure."""
        group = self._groups[key]
        return group.pivot(index="run", columns="path", values=metric).reindex(
            index=group["run"].unique(), columns=self._paths
        )

    def zero_maps(self, key: tuple[str, str, int, str]) -> int:
        """Returns how many maps are zero everywhere."""
        return int(self._groups[key]["zero"].sum())


def _finding(values: _Values, about: tuple[str, str], place: tuple[str, int], decide: set[str]) -> Finding:
    (target, region), (layer, depth) = about, place
    key = (target, region, depth, ITSELF)
    energy = values.of(key, "energy")
    comparisons = [
        _comparison(control, energy, values.of((target, region, depth, control), "energy"), control in decide)
        for control in values.controls(target, region, depth)
    ]
    return Finding(
        target=target,
        region=region,
        layer=layer,
        depth=depth,
        pictures=int(energy.notna().all().sum()),
        zero_maps=values.zero_maps(key),
        metrics={metric: Estimate.over_runs(values.of(key, metric).to_numpy()) for metric in METRICS},
        comparisons=comparisons,
        runs=_by_run(energy),
    )


def _comparison(control: str, energy: pd.DataFrame, other: pd.DataFrame, decides: bool) -> Comparison:
    both = energy.notna().all() & other.notna().all()
    ours, theirs = energy.loc[:, both].to_numpy(), other.loc[:, both].to_numpy()
    # Networks without CBAM are runs of their own; every other control has been taken of the same runs.
    difference = Estimate.of_difference(ours, theirs) if control == NO_CBAM else Estimate.over_runs(ours - theirs)
    return Comparison(control, Estimate.over_runs(theirs), difference, int(both.sum()), decides, _by_run(other))


def _by_run(values: pd.DataFrame) -> dict[str, float | None]:
    """Returns each run's mean, where there are several."""
    if len(values) < 2:
        return {}
    return {str(run): None if np.isnan(mean) else float(mean) for run, mean in values.mean(axis=1).items()}
