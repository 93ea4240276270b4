"""From the measurements to means with intervals, differences, and sentences that say what holds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from keras_deid.explain.controls import CONTROLS, ORIGINAL, TWIN, shuffled_overlap
from keras_deid.explain.localisation import METRICS
from keras_deid.explain.seeds import difference_of_runs, mean_over_runs
from keras_deid.explain.study import ITSELF, REGIONS, Row, Study
from keras_deid.intervals import mean_interval

# Mean intersection over union of the regions that pictures exchange, above which that says nothing.
OVERLAP_LIMIT = 0.5


@dataclass(frozen=True)
class Estimate:
    """A mean over pictures, of several runs also over these, with its 95 % interval; None where it does not exist."""

    mean: float | None
    low: float | None
    high: float | None

    @classmethod
    def of(cls, values: np.ndarray) -> Estimate:
        """Takes the mean of the values that are not NaN."""
        known = values[~np.isnan(values)]
        low, high = mean_interval(known)
        return cls(_number(known.mean()) if known.size else None, _number(low), _number(high))

    @classmethod
    def over_runs(cls, values: np.ndarray) -> Estimate:
        """Takes the mean of float `(runs, pictures)`, over the pictures that every run has a value for."""
        known = values[:, ~np.isnan(values).any(axis=0)]
        low, high = mean_over_runs(known)
        return cls(_number(known.mean()) if known.size else None, _number(low), _number(high))

    @classmethod
    def of_difference(cls, values: np.ndarray, others: np.ndarray) -> Estimate:
        """Takes the difference of two means, each of runs of its own: float `(runs, pictures)`, no NaN."""
        low, high = difference_of_runs(values, others)
        mean = values.mean() - others.mean() if values.size and others.size else float("nan")
        return cls(_number(mean), _number(low), _number(high))

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
        return self.difference.low is not None and self.difference.low > 0

    @property
    def is_ahead(self) -> bool:
        """Whether the interval of the difference lies below zero."""
        return self.difference.high is not None and self.difference.high < 0


@dataclass(frozen=True)
class Finding:
    """What was found out about one layer, target and region.

    Attributes:
        target: its name.
        region: one of `keras_deid.explain.study.REGIONS`.
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

    def sentence(self) -> str:
        """Says in plain words what holds."""
        region = REGIONS[self.region]
        if not self.pictures:
            return f"At {self.layer} all {self.zero_maps} maps are zero everywhere: nothing can be said. Does not hold."
        text = (
            f"On {count_of(self.pictures, 'photo')}{seeds_in_words(self.seeds)} the maps at {self.layer} put "
            f"{self.metrics['energy'].words()} times the flat share on the {region}"
        )
        if self.strongest is not None:
            text += (
                f"; {CONTROLS[self.strongest.control]}: {_short(self.strongest.value)}, "
                f"difference {self.strongest.difference.words('+.2f')}"
            )
        if self.zero_maps:
            text += (
                f"; {count_of(self.zero_maps, 'map')} zero everywhere {'is' if self.zero_maps == 1 else 'are'} left out"
            )
        return f"{text}. {self._verdict()}{self._without_mosaic()}{self._without_attention()}"

    def _without_mosaic(self) -> str:
        """Tells apart maps of the person from maps of the mosaic on the person."""
        original = self.comparison(ORIGINAL)
        if self.region == "mosaic" or original is None or original.value.mean is None:
            return ""
        return f" On the original photo, with the same person, it is {_short(original.value)}."

    def _without_attention(self) -> str:
        twin = self.comparison(TWIN)
        if twin is None or twin.difference.mean is None:
            return ""
        return f" Without CBAM it is {_short(twin.value)}, difference {twin.difference.words('+.2f')}."

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
        return f"Does not hold: above a flat map, but not above {listed(unbeaten)}."

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
                    "runs": comparison.runs,
                }
                for comparison in self.comparisons
            },
            "runs": self.runs,
            "holds": self.holds,
            "sentence": self.sentence(),
        }


def summarise(study: Study) -> list[Finding]:
    """Sums a study up: a finding for each target, region and layer.

    Several runs of one role are seeds of one experiment. Means are over runs and pictures, and so are their intervals;
    a picture that one of the runs has no map for is left out, since it would be compared with fewer runs than the
    others. A control is compared at the same depth, on the pictures that both have.
    """
    table = _Table(study.rows, study.pictures.paths)
    decide = {region: deciding(region, shuffled_overlap(masks)) for region, masks in study.pictures.regions().items()}
    return [
        _finding(table, (target.name, region), (layer, depth), decide[region])
        for target in study.targets
        for region in decide
        for depth, layer in enumerate(study.layers, 1)
    ]


def deciding(region: str, overlap: float) -> set[str]:
    """Names the controls that a claim about a region falls with.

    The network without CBAM decides another claim: whether CBAM is what makes the difference. Two others may fail to
    tell. The person is there before it is de-identified, so maps that lie on it on the original photo as well do not
    contradict the paper; maps of a mosaic do where there is none. And where all pictures have their region in the same
    place, as crops around a face do, another picture's region is as good as their own.

    Args:
        region: one of `keras_deid.explain.study.REGIONS`.
        overlap: from `keras_deid.explain.controls.shuffled_overlap`.
    """
    undecided = {TWIN} if region == "mosaic" else {TWIN, ORIGINAL}
    if overlap > OVERLAP_LIMIT:
        undecided.add("shuffled masks")
    return set(CONTROLS) - undecided


class _Table:
    """Looks measurements up: arrays over runs and pictures."""

    def __init__(self, rows: Iterable[Row], paths: Sequence[str]) -> None:
        self._place = {path: index for index, path in enumerate(paths)}
        self._rows: dict[tuple[str, str, int, str], list[Row]] = {}
        for row in rows:
            self._rows.setdefault((row.target, row.region, row.depth, row.control), []).append(row)

    def controls(self, target: str, region: str, depth: int) -> list[str]:
        """Returns the controls that there are."""
        return [name for name in CONTROLS if (target, region, depth, name) in self._rows]

    def values(self, key: tuple[str, str, int, str], metric: str) -> tuple[np.ndarray, tuple[str, ...]]:
        """Returns float64 `(runs, pictures)`, NaN where there is nothing to measure, and the names of the runs."""
        found: dict[str, np.ndarray] = {}
        for row in self._rows[key]:
            values = found.setdefault(row.run, np.full(len(self._place), np.nan))
            values[self._place[row.path]] = getattr(row.found, metric)
        return np.stack(list(found.values())), tuple(found)

    def zero_maps(self, key: tuple[str, str, int, str]) -> int:
        """Returns how many maps are zero everywhere."""
        return sum(row.zero for row in self._rows[key])


def _finding(table: _Table, claim: tuple[str, str], place: tuple[str, int], decide: set[str]) -> Finding:
    (target, region), (layer, depth) = claim, place
    key = (target, region, depth, ITSELF)
    energy, runs = table.values(key, "energy")
    comparisons = [
        _comparison(table, (target, region, depth, control), energy, control in decide)
        for control in table.controls(target, region, depth)
    ]
    return Finding(
        target=target,
        region=region,
        layer=layer,
        depth=depth,
        pictures=int((~np.isnan(energy).any(axis=0)).sum()),
        zero_maps=table.zero_maps(key),
        metrics={metric: Estimate.over_runs(table.values(key, metric)[0]) for metric in METRICS},
        comparisons=comparisons,
        runs=_by_run(energy, runs),
    )


def _comparison(table: _Table, key: tuple[str, str, int, str], energy: np.ndarray, decides: bool) -> Comparison:
    other, other_runs = table.values(key, "energy")
    both = ~np.isnan(energy).any(axis=0) & ~np.isnan(other).any(axis=0)
    ours, theirs = energy[:, both], other[:, both]
    # A twin has runs of its own, which no run here belongs to; every other control has been taken of the same runs.
    difference = Estimate.of_difference(ours, theirs) if key[-1] == TWIN else Estimate.over_runs(ours - theirs)
    return Comparison(
        key[-1], Estimate.over_runs(theirs), difference, int(both.sum()), decides, _by_run(other, other_runs)
    )


def _by_run(values: np.ndarray, runs: Sequence[str]) -> dict[str, float | None]:
    """Returns each run's mean, where there are several."""
    if len(runs) < 2:
        return {}
    return {
        run: _number(np.nanmean(of)) if (~np.isnan(of)).any() else None for run, of in zip(runs, values, strict=True)
    }


def _number(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def _short(estimate: Estimate) -> str:
    return "nothing" if estimate.mean is None else f"{estimate.mean:.2f}"


def count_of(number: int, noun: str) -> str:
    """Says "1 photo", "2 photos"."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def seeds_in_words(seeds: int, of_twin: int = 0) -> str:
    """Says ", over 2 seeds," (of the run, and of its twin if they are not as many); nothing for a single one."""
    if seeds < 2 and of_twin < 2:
        return ""
    if of_twin in (0, seeds):
        return f", over {seeds} seeds{' each' if of_twin else ''},"
    return f", over {count_of(seeds, 'seed')} with and {max(1, of_twin)} without,"


def listed(words: Sequence[str]) -> str:
    """Says "a", "a and b", "a, b and c"."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
