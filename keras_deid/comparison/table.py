"""The table of figures: floors and models, with intervals, differences to the best, and what is really the best."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from keras_deid.comparison.metrics import PRIMARY, Metric
from keras_deid.comparison.models import Model, floors_of, picture_metrics, set_metrics
from keras_deid.comparison.runs import ORIGINAL, RESTORED
from keras_deid.comparison.significance import difference, estimate, is_real
from keras_deid.evaluation.table import input_name
from keras_deid.explain.summary import Estimate

NOTHING = Estimate(None, None, None)
TO_BEST = "difference to the best, dB in the mask"


@dataclass(frozen=True)
class Cell:
    """One metric of one row.

    Attributes:
        value: mean with its interval.
        seeds: each seed's mean, if there are several.
        is_best: whether it is really better than the next model's.
        to_best: the difference to the model with the best mean; nothing for that model itself and for floors.
    """

    value: Estimate
    seeds: tuple[float, ...] = ()
    is_best: bool = False
    to_best: Estimate = NOTHING


@dataclass(frozen=True)
class Row:
    """The original, a floor or a model.

    Attributes:
        name: what stands in the first column.
        is_model: whether it is one of the models.
        cells: by metric; a metric that it does not have is missing.
    """

    name: str
    is_model: bool
    cells: dict[str, Cell] = field(default_factory=dict)


@dataclass(frozen=True)
class Table:
    """The figures of a comparison.

    Attributes:
        metrics: the columns, those that decide first.
        rows: original, floors, then the models from the best to the worst by `PRIMARY`.
        pictures: how many pictures were scored.
    """

    metrics: list[Metric]
    rows: list[Row]
    pictures: int

    @property
    def models(self) -> list[Row]:
        """The rows of the models, from the best to the worst."""
        return [row for row in self.rows if row.is_model]


def make_table(models: Sequence[Model]) -> Table:
    """Works out the figures of models that were evaluated on the same pictures.

    Args:
        models: at least one; see `keras_deid.comparison.runs.check_same_data`.
    """
    of_pictures = [Metric.of(name) for name in picture_metrics(models)]
    of_sets = [Metric.of(name) for name in set_metrics(models)]
    cells: dict[str, dict[str, Cell]] = {model.name: {} for model in models}
    for metric in of_pictures:
        for name, cell in _ranked(models, metric).items():
            cells[name][metric.name] = cell
    for metric in of_sets:
        for model in models:
            cells[model.name][metric.name] = _of_a_set(model, metric)
    metrics = sorted([*of_pictures, *of_sets], key=lambda metric: metric.rank)
    by_quality = sorted(models, key=lambda model: _quality(cells[model.name]), reverse=True)
    rows = [
        *(_floor(models[0], source, metrics) for source in (ORIGINAL, *floors_of(models))),
        *(Row(model.name, True, cells[model.name]) for model in by_quality),
    ]
    return Table(metrics, rows, len(models[0].runs[0].paths))


def markdown(table: Table) -> str:
    """Writes the table as Markdown: means, in brackets the interval of `PRIMARY`, the really best in bold."""
    headings = [metric.heading for metric in table.metrics]
    lines = [f"| | {' | '.join([*headings, TO_BEST])} |", "|---|" + "---|" * (len(headings) + 1)]
    for row in table.rows:
        texts = [_markdown_cell(row.cells.get(metric.name), metric) for metric in table.metrics]
        name = row.name if row.is_model else f"*{row.name}*"
        lines.append(f"| {name} | {' | '.join([*texts, to_best_words(row)])} |")
    return "\n".join(lines)


def to_best_words(row: Row) -> str:
    """Says how far a model is from the best by `PRIMARY`, with the interval; nothing for the best and for floors."""
    cell = row.cells.get(PRIMARY)
    return "" if cell is None or cell.to_best.mean is None else cell.to_best.words("+.2f")


def _ranked(models: Sequence[Model], metric: Metric) -> dict[str, Cell]:
    """Compares the models by one metric; of an unknown metric nobody knows which end is the best."""
    scores = {model.name: model.scores(metric.name) for model in models}
    seeds = {name: _seed_means(values) for name, values in scores.items()}
    values = {name: estimate(found) for name, found in scores.items()}
    ranked = [name for name in scores if values[name].mean is not None]
    if metric.higher_is_better is None or len(ranked) < 2:
        return {name: Cell(values[name], seeds[name]) for name in scores}
    ranked.sort(key=lambda name: values[name].mean or 0.0, reverse=metric.higher_is_better)
    best, following = ranked[:2]
    return {
        name: Cell(
            values[name],
            seeds[name],
            is_best=name == best and is_real(difference(scores[best], scores[following])),
            to_best=NOTHING if name == best else difference(scores[name], scores[best]),
        )
        for name in scores
    }


def _seed_means(scores: np.ndarray) -> tuple[float, ...]:
    if len(scores) < 2:
        return ()
    return tuple(float(np.nanmean(values)) if not np.isnan(values).all() else float("nan") for values in scores)


def _of_a_set(model: Model, metric: Metric) -> Cell:
    """A metric without scores of single pictures: nothing can be resampled, so nothing is called the best."""
    values = [value for run in model.runs if (value := run.mean(RESTORED, metric.name)) is not None]
    low, high = (None, None) if len(values) > 1 else _interval_in_file(model, metric)
    return Cell(Estimate(float(np.mean(values)), low, high), tuple(values) if len(values) > 1 else ())


def _interval_in_file(model: Model, metric: Metric) -> tuple[float | None, float | None]:
    interval = model.runs[0].figures.get("intervals", {}).get(RESTORED, {}).get(metric.name)
    return (float(interval[0]), float(interval[1])) if interval else (None, None)


def _floor(model: Model, source: str, metrics: Sequence[Metric]) -> Row:
    """The row of the original or of a floor, which are the same for every run."""
    run = model.runs[0]
    cells: dict[str, Cell] = {}
    for metric in metrics:
        if metric.name in run.scores.get(source, {}):
            cells[metric.name] = Cell(estimate(run.scores[source][metric.name][None]))
        elif run.mean(source, metric.name) is not None:
            cells[metric.name] = Cell(Estimate(run.mean(source, metric.name), None, None))
    name = input_name(run.figures) if source == "mosaic" else source
    return Row(name, False, cells)


def _quality(cells: dict[str, Cell]) -> float:
    cell = cells.get(PRIMARY)
    return float("-inf") if cell is None or cell.value.mean is None else cell.value.mean


def _markdown_cell(cell: Cell | None, metric: Metric) -> str:
    if cell is None or cell.value.mean is None:
        return ""
    text = cell.value.words(metric.form) if metric.name == PRIMARY else metric.written(cell.value.mean)
    return f"**{text}**" if cell.is_best else text
