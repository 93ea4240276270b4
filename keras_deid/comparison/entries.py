"""The entries of a comparison, each with its runs, and the metrics that all of them have."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from keras_deid.comparison.runs import Run
from keras_deid.evaluation.evaluation import ORIGINAL, RESTORED


@dataclass(frozen=True)
class Entry:
    """What is compared: the runs of one configuration, which differ in their seed alone.

    Attributes:
        name: of its configuration.
        runs: by seed, at least one.
    """

    name: str
    runs: tuple[Run, ...]

    def scores(self, metric: str) -> np.ndarray:
        """The scores of its restored pictures: float64 `(seeds, pictures)`, with NaN."""
        return np.stack([run.scores[RESTORED][metric] for run in self.runs])


def runs_of(entries: Sequence[Entry]) -> list[Run]:
    """Returns the runs of all entries, one after the other."""
    return [run for entry in entries for run in entry.runs]


def baselines_of(entries: Sequence[Entry]) -> list[str]:
    """Names what restored pictures have to beat: the de-identified input first. The same for every entry."""
    return [source for source in entries[0].runs[0].scores if source not in (RESTORED, ORIGINAL)]


def picture_metrics(entries: Sequence[Entry]) -> list[str]:
    """Names the metrics that all runs have for single pictures, in the order of the first."""
    runs = runs_of(entries)
    return [
        metric
        for metric in runs[0].scores[RESTORED]
        if all(metric in run.scores[RESTORED] and not np.isnan(run.scores[RESTORED][metric]).all() for run in runs)
    ]


def set_metrics(entries: Sequence[Entry]) -> list[str]:
    """Names the metrics that all runs have for the whole set of pictures alone, such as FID."""
    runs, of_pictures = runs_of(entries), picture_metrics(entries)
    return [
        metric
        for metric in runs[0].evaluation["restored"]
        if metric not in of_pictures and all(run.mean(RESTORED, metric) is not None for run in runs)
    ]
