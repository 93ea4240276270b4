"""From the measurements to means with intervals, differences, and sentences that say what holds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from keras_deid.explain.controls import CONTROLS, shuffled_overlap
from keras_deid.explain.localisation import METRICS
from keras_deid.explain.study import ITSELF, REGIONS, Row, Study
from keras_deid.intervals import mean_interval

# Mean intersection over union of the regions that pictures exchange, above which that says nothing.
OVERLAP_LIMIT = 0.5


@dataclass(frozen=True)
class Estimate:
    """A mean over pictures with its 95 % interval; None where it does not exist."""

    mean: float | None
    low: float | None
    high: float | None

    @classmethod
    def of(cls, values: np.ndarray) -> Estimate:
        """Takes the mean of the values that are not NaN."""
        known = values[~np.isnan(values)]
        low, high = mean_interval(known)
        return cls(_number(known.mean()) if known.size else None, _number(low), _number(high))

    def words(self, form: str = ".2f") -> str:
        """Says it as "2.3 (2.1 to 2.5)", with signs if `form` has one."""
        if self.mean is None:
            return "nothing"
        if self.low is None or self.high is None:
            return format(self.mean, form)
        plain = form.replace("+", "") if min(self.low, self.high) >= 0 else form
        return f"{self.mean:{form}} ({self.low:{plain}} to {self.high:{plain}})"


@dataclass(frozen=True)
class Comparison:
    """A control's energy, and how far the maps' is above it, picture by picture.

    Attributes:
        control: its name.
        value: its energy.
        difference: of the maps' energy and the control's.
        pictures: that both have a measurement for.
        decides: whether the claim falls with it. See `deciding`.
    """

    control: str
    value: Estimate
    difference: Estimate
    pictures: int
    decides: bool

    @property
    def is_beaten(self) -> bool:
        """Whether the interval of the difference lies above zero."""
        return self.difference.low is not None and self.difference.low > 0


@dataclass(frozen=True)
class Finding:
    """What was found out about one layer, target and region.

    Attributes:
        target: its name.
        region: "mosaic" or "person".
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

    def sentence(self) -> str:
        """Says in plain words what holds."""
        region = REGIONS[self.region]
        if not self.pictures:
            return f"At {self.layer} all {self.zero_maps} maps are zero everywhere: nothing can be said. Does not hold."
        text = (
            f"On {_count(self.pictures, 'photo')} the maps at {self.layer} put "
            f"{self.metrics['energy'].words()} times the flat share on the {region}"
        )
        if self.strongest is not None:
            text += (
                f"; {CONTROLS[self.strongest.control]}: {_short(self.strongest.value)}, "
                f"difference {self.strongest.difference.words('+.2f')}"
            )
        if self.zero_maps:
            text += (
                f"; {_count(self.zero_maps, 'map')} zero everywhere {'is' if self.zero_maps == 1 else 'are'} left out"
            )
        return f"{text}. {self._verdict()}{self._without_mosaic()}"

    def _without_mosaic(self) -> str:
        """Tells apart maps of the person from maps of the mosaic on the person."""
        for comparison in self.comparisons:
            if (self.region, comparison.control) == ("person", "original photo") and comparison.value.mean is not None:
                return f" On the original photo, with the same person, it is {_short(comparison.value)}."
        return ""

    @property
    def that_decide(self) -> str:
        """What to add to "every control" where there are some that do not decide."""
        return "" if all(comparison.decides for comparison in self.comparisons) else " that decides"

    def _verdict(self) -> str:
        if self.metrics["energy"].low is None:
            return "One photo says nothing about others."
        if self.holds:
            return f"Holds against every control{self.that_decide}."
        unbeaten = [
            CONTROLS[comparison.control]
            for comparison in self.comparisons
            if comparison.decides and not comparison.is_beaten
        ]
        if not self.is_above_flat:
            return "Does not hold: not above a flat map."
        return f"Does not hold: above a flat map, but not above {_list(unbeaten)}."

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
            "controls": {
                comparison.control: {
                    "energy": vars(comparison.value),
                    "difference": vars(comparison.difference),
                    "pictures": comparison.pictures,
                    "decides": comparison.decides,
                }
                for comparison in self.comparisons
            },
            "runs": self.runs,
            "holds": self.holds,
            "sentence": self.sentence(),
        }


def summarise(study: Study) -> list[Finding]:
    """Sums a study up: a finding for each target, region and layer.

    Several runs of one role are seeds of one experiment: each picture counts with its mean over them. A control is
    compared at the same depth, on the pictures that both have.
    """
    table = _Table(study.rows, study.pictures.paths)
    decide = {region: deciding(region, shuffled_overlap(masks)) for region, masks in study.pictures.regions().items()}
    return [
        _finding(table, (target.name, region), (layer, depth), decide[region])
        for target in study.targets
        for region in decide
        for depth, layer in enumerate(study.layers, 1)
    ]


def headline(findings: Sequence[Finding]) -> str:
    """Sums the findings about one target and region up in a sentence."""
    above = sum(finding.is_above_flat for finding in findings)
    holding = [finding.layer for finding in findings if finding.holds]
    region = REGIONS[findings[0].region]
    every = f"every control{findings[0].that_decide}"
    text = f"The maps prefer the {region} to the rest of the picture at {above} of {len(findings)} layers"
    if not holding:
        return f"{text}, and at none of them do they exceed {every}: the claim does not hold."
    if len(holding) == len(findings):
        return f"{text}, and at each of them they exceed {every}: the claim holds."
    return f"{text}, and exceed {every} at {_list(holding)} only: the claim holds there, not elsewhere."


def deciding(region: str, overlap: float) -> set[str]:
    """Names the controls that a claim about a region falls with.

    Two may fail to tell. The person is there before it is de-identified, so maps that lie on it on the original photo
    as well do not contradict the paper; maps of a mosaic do where there is none. And where all pictures have their
    region in the same place, as crops around a face do, another picture's region is as good as their own.

    Args:
        region: "mosaic" or "person".
        overlap: from `keras_deid.explain.controls.shuffled_overlap`.
    """
    undecided = {"original photo"} if region == "person" else set()
    if overlap > OVERLAP_LIMIT:
        undecided.add("shuffled masks")
    return set(CONTROLS) - undecided


class _Table:
    """Looks measurements up: an array over pictures, the mean over the runs."""

    def __init__(self, rows: Iterable[Row], paths: Sequence[str]) -> None:
        self._place = {path: index for index, path in enumerate(paths)}
        self._rows: dict[tuple[str, str, int, str], list[Row]] = {}
        for row in rows:
            self._rows.setdefault((row.target, row.region, row.depth, row.control), []).append(row)

    def controls(self, target: str, region: str, depth: int) -> list[str]:
        """Returns the controls that there are."""
        return [name for name in CONTROLS if (target, region, depth, name) in self._rows]

    def values(self, key: tuple[str, str, int, str], metric: str) -> np.ndarray:
        """Returns float64 `(pictures,)`, NaN where there is nothing to measure."""
        by_run = self.by_run(key, metric)
        # A picture that one of the runs has no map for would be compared with fewer runs than the others.
        return np.mean(list(by_run.values()), axis=0)

    def by_run(self, key: tuple[str, str, int, str], metric: str) -> dict[str, np.ndarray]:
        """Returns the same for each run."""
        found: dict[str, np.ndarray] = {}
        for row in self._rows[key]:
            values = found.setdefault(row.run, np.full(len(self._place), np.nan))
            values[self._place[row.path]] = getattr(row.found, metric)
        return found

    def zero_maps(self, key: tuple[str, str, int, str]) -> int:
        """Returns how many maps are zero everywhere."""
        return sum(row.zero for row in self._rows[key])


def _finding(table: _Table, claim: tuple[str, str], place: tuple[str, int], decide: set[str]) -> Finding:
    (target, region), (layer, depth) = claim, place
    key = (target, region, depth, ITSELF)
    energy = table.values(key, "energy")
    comparisons = []
    for control in table.controls(target, region, depth):
        other = table.values((target, region, depth, control), "energy")
        both = ~np.isnan(energy) & ~np.isnan(other)
        comparisons.append(
            Comparison(
                control,
                Estimate.of(other[both]),
                Estimate.of((energy - other)[both]),
                pictures=int(both.sum()),
                decides=control in decide,
            )
        )
    by_run = table.by_run(key, "energy")
    runs = {run: Estimate.of(values).mean for run, values in by_run.items()} if len(by_run) > 1 else {}
    return Finding(
        target=target,
        region=region,
        layer=layer,
        depth=depth,
        pictures=int((~np.isnan(energy)).sum()),
        zero_maps=table.zero_maps(key),
        metrics={metric: Estimate.of(table.values(key, metric)) for metric in METRICS},
        comparisons=comparisons,
        runs=runs,
    )


def _number(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def _short(estimate: Estimate) -> str:
    return "nothing" if estimate.mean is None else f"{estimate.mean:.2f}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _list(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
