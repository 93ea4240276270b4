"""The models that are compared, each with its runs, and what they were given to learn with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from keras_deid.comparison.runs import ORIGINAL, RESTORED, Run

# Two budgets agree if the larger is at most this much more than the smaller.
BUDGET_TOLERANCE = 0.1


@dataclass(frozen=True)
class Model:
    """A model: runs that differ in their seed alone.

    Attributes:
        name: of its configuration.
        runs: by seed, at least one.
    """

    name: str
    runs: tuple[Run, ...]

    def scores(self, metric: str) -> np.ndarray:
        """The scores of its restored pictures: float64 `(seeds, pictures)`, with NaN."""
        return np.stack([run.scores[RESTORED][metric] for run in self.runs])


def runs_of(models: Sequence[Model]) -> list[Run]:
    """Returns the runs of all models, one after the other."""
    return [run for model in models for run in model.runs]


def floors_of(models: Sequence[Model]) -> list[str]:
    """Names what restored pictures have to beat: the de-identified input first. The same for every model."""
    return [source for source in models[0].runs[0].scores if source not in (RESTORED, ORIGINAL)]


def picture_metrics(models: Sequence[Model]) -> list[str]:
    """Names the metrics that all runs have for single pictures, in the order of the first."""
    runs = runs_of(models)
    return [
        metric
        for metric in runs[0].scores[RESTORED]
        if all(metric in run.scores[RESTORED] and not np.isnan(run.scores[RESTORED][metric]).all() for run in runs)
    ]


def set_metrics(models: Sequence[Model]) -> list[str]:
    """Names the metrics that all runs have for the whole set of pictures alone, such as FID."""
    runs, of_pictures = runs_of(models), picture_metrics(models)
    return [
        metric
        for metric in runs[0].figures["restored"]
        if metric not in of_pictures and all(run.mean(RESTORED, metric) is not None for run in runs)
    ]


def budget_words(models: Sequence[Model]) -> tuple[str, bool]:
    """Says whether all runs had the same budget: images seen, or minutes; one of the two must agree within 10 %.

    Returns:
        the sentence, and whether the budgets agree.
    """
    runs = runs_of(models)
    images, minutes = [run.images_seen for run in runs], [run.minutes for run in runs]
    ranges = f"{_range(images, ',.0f')} images seen, {_range(minutes, '.1f')} minutes of training"
    if len(runs) == 1:
        return f"Budget: {ranges}.", True
    agreeing = [what for what, values in (("images seen", images), ("minutes", minutes)) if _agree(values)]
    if agreeing:
        return f"The same budget in {' and '.join(agreeing)} for every run: {ranges}.", True
    return (
        f"The budgets differ by more than {BUDGET_TOLERANCE:.0%}, in images seen and in minutes ({ranges}): the runs "
        "that were given more have an advantage that is not the model's.",
        False,
    )


def _agree(values: Sequence[float | None]) -> bool:
    known = [value for value in values if value is not None]
    return len(known) == len(values) and max(known) <= (1 + BUDGET_TOLERANCE) * min(known)


def _range(values: Sequence[float | None], form: str) -> str:
    known = [value for value in values if value is not None]
    if not known:
        return "an unknown number of"
    low, high = format(min(known), form), format(max(known), form)
    return low if low == high else f"{low} to {high}"
