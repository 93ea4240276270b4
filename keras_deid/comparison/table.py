"""The table of metrics: baselines and entries, with intervals, differences to the best, and what is really the best."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from keras_deid.comparison.entries import Entry, baselines_of, picture_metrics, set_metrics
from keras_deid.evaluation.baselines import INPUT
from keras_deid.evaluation.evaluation import ORIGINAL, RESTORED
from keras_deid.evaluation.evaluation_file import input_name
from keras_deid.evaluation.metrics import PRIMARY, Metric
from keras_deid.statistics import Estimate

NOTHING = Estimate()
TO_BEST = "difference to the best, dB in the mask"


@dataclass(frozen=True)
class Cell:
    """One metric of one row.

    Attributes:
        value: mean with its interval.
        seeds: each seed's mean, if there are several.
        is_best: whether it is really better than the next entry's.
        to_best: the difference to the entry with the best mean; nothing for that entry itself and for baselines.
    """

    value: Estimate
    seeds: tuple[float, ...] = ()
    is_best: bool = False
    to_best: Estimate = NOTHING


@dataclass(frozen=True)
class SourceRow:
    """The metrics of the original, a baseline or an entry.

    Attributes:
        name: what stands in the first column.
        is_entry: whether it is one of the entries.
        cells: by metric; a metric that it does not have is missing.
    """

    name: str
    is_entry: bool
    cells: dict[str, Cell] = field(default_factory=dict)


@dataclass(frozen=True)
class Table:
    """The metrics of a comparison.

    Attributes:
        metrics: the columns, those that decide first.
        rows: original, baselines, then the entries from the best to the worst by `PRIMARY`.
        pictures: how many pictures were scored.
    """

    metrics: list[Metric]
    rows: list[SourceRow]
    pictures: int

    @property
    def entries(self) -> list[SourceRow]:
        """The rows of the entries, from the best to the worst."""
        return [row for row in self.rows if row.is_entry]


def make_table(entries: Sequence[Entry]) -> Table:
    """Works out the metrics of entries that were evaluated on the same pictures.

    Args:
        entries: at least one; see `keras_deid.comparison.runs.check_same_data`.
    """
    of_pictures = [Metric.of(name) for name in picture_metrics(entries)]
    of_sets = [Metric.of(name) for name in set_metrics(entries)]
    cells: dict[str, dict[str, Cell]] = {entry.name: {} for entry in entries}
    for metric in of_pictures:
        for name, cell in _ranked(entries, metric).items():
            cells[name][metric.name] = cell
    for metric in of_sets:
        for entry in entries:
            cells[entry.name][metric.name] = _of_a_set(entry, metric)
    metrics = sorted([*of_pictures, *of_sets], key=lambda metric: metric.rank)
    by_quality = sorted(entries, key=lambda entry: _quality(cells[entry.name]), reverse=True)
    rows = [
        *(_baseline(entries[0], source, metrics) for source in (ORIGINAL, *baselines_of(entries))),
        *(SourceRow(entry.name, True, cells[entry.name]) for entry in by_quality),
    ]
    return Table(metrics, rows, len(entries[0].runs[0].paths))


def to_best_words(row: SourceRow) -> str:
    """Says how far an entry is from the best by `PRIMARY`; nothing for the best and for baselines."""
    cell = row.cells.get(PRIMARY)
    return "" if cell is None or cell.to_best.mean is None else cell.to_best.words("+.2f")


def _ranked(entries: Sequence[Entry], metric: Metric) -> dict[str, Cell]:
    """Compares the entries by one metric; one whose better end is not known is not ranked."""
    scores = {entry.name: entry.scores(metric.name) for entry in entries}
    seeds = {name: _seed_means(values) for name, values in scores.items()}
    values = {name: Estimate.over_runs(found) for name, found in scores.items()}
    ranked = [name for name in scores if values[name].mean is not None]
    if metric.higher_is_better is None or len(ranked) < 2:
        return {name: Cell(values[name], seeds[name]) for name in scores}
    ranked.sort(key=lambda name: values[name].mean or 0.0, reverse=metric.higher_is_better)
    best, following = ranked[:2]
    return {
        name: Cell(
            values[name],
            seeds[name],
            is_best=name == best and Estimate.of_difference(scores[best], scores[following]).sign is not None,
            to_best=NOTHING if name == best else Estimate.of_difference(scores[name], scores[best]),
        )
        for name in scores
    }


def _seed_means(scores: np.ndarray) -> tuple[float, ...]:
    if len(scores) < 2:
        return ()
    return tuple(float(np.nanmean(values)) if not np.isnan(values).all() else float("nan") for values in scores)


def _of_a_set(entry: Entry, metric: Metric) -> Cell:
    """A metric without scores of single pictures: nothing can be resampled, so nothing is called the best."""
    values = [value for run in entry.runs if (value := run.mean(RESTORED, metric.name)) is not None]
    low, high = (None, None) if len(values) > 1 else _interval_in_file(entry, metric)
    return Cell(Estimate(float(np.mean(values)), low, high), tuple(values) if len(values) > 1 else ())


def _interval_in_file(entry: Entry, metric: Metric) -> tuple[float | None, float | None]:
    interval = entry.runs[0].evaluation.get("intervals", {}).get(RESTORED, {}).get(metric.name)
    return (float(interval[0]), float(interval[1])) if interval else (None, None)


def _baseline(entry: Entry, source: str, metrics: Sequence[Metric]) -> SourceRow:
    """The row of the original or of a baseline, which are the same for every run."""
    run = entry.runs[0]
    cells: dict[str, Cell] = {}
    for metric in metrics:
        if metric.name in run.scores.get(source, {}):
            cells[metric.name] = Cell(Estimate.over_runs(run.scores[source][metric.name][None]))
        elif run.mean(source, metric.name) is not None:
            cells[metric.name] = Cell(Estimate(run.mean(source, metric.name), None, None))
    name = input_name(run.evaluation) if source == INPUT else source
    return SourceRow(name, False, cells)


def _quality(cells: dict[str, Cell]) -> float:
    cell = cells.get(PRIMARY)
    return float("-inf") if cell is None or cell.value.mean is None else cell.value.mean
