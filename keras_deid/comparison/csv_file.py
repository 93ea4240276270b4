"""`comparison.csv`: all numbers of a comparison, for other programs."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence

from keras_deid.comparison.cost import COSTS, costs_of
from keras_deid.comparison.metrics import Metric
from keras_deid.comparison.models import Model
from keras_deid.comparison.runs import ORIGINAL, RESTORED
from keras_deid.comparison.table import Cell, Row, Table
from keras_deid.explain.summary import Estimate

_PARTS = ("", "_low", "_high", "_to_best", "_to_best_low", "_to_best_high", "_is_best")


def csv_text(table: Table, models: Sequence[Model], speeds: Mapping[str, float]) -> str:
    """Writes a line for the original, each floor, each model (mean of its seeds) and each run.

    Args:
        table: of the models.
        models: for their runs.
        speeds: images that each model's generator restores in a second.

    Returns:
        CSV: name; kind (original, floor, model, run); seed and costs of a run; images restored in a second by a model;
        for each metric the mean, its interval, the difference to the best model with its interval, and 1 for the best
        where that is real. Empty where there is no number.
    """
    text = io.StringIO()
    columns = [f"{metric.name}{part}" for metric in table.metrics for part in _PARTS]
    head = ["name", "kind", "seed", *COSTS, "restored_per_second"]
    lines = csv.DictWriter(text, [*head, *columns], restval="", lineterminator="\n")
    lines.writeheader()
    by_name = {model.name: model for model in models}
    for row in table.rows:
        if not row.is_model:
            kind = "original" if row.name == ORIGINAL else "floor"
            lines.writerow({"name": row.name, "kind": kind, **_figures(row, table.metrics)})
            continue
        speed = _number(speeds.get(row.name))
        line = {"name": row.name, "kind": "model", "restored_per_second": speed}
        lines.writerow(line | _figures(row, table.metrics))
        for run in by_name[row.name].runs:
            cells = {
                metric.name: Cell(Estimate(run.mean(RESTORED, metric.name), None, None)) for metric in table.metrics
            }
            costs = {name: _number(value) for name, value in costs_of(run).items()}
            line = {"name": run.label, "kind": "run", "seed": str(run.config.training.seed), **costs}
            lines.writerow(line | _figures(Row(run.label, True, cells), table.metrics))
    return text.getvalue()


def _figures(row: Row, metrics: Sequence[Metric]) -> dict[str, str]:
    figures: dict[str, str] = {}
    for name, cell in ((metric.name, row.cells[metric.name]) for metric in metrics if metric.name in row.cells):
        numbers = [getattr(of, part) for of in (cell.value, cell.to_best) for part in ("mean", "low", "high")]
        texts = [*map(_number, numbers), "1" if cell.is_best else ""]
        figures |= {f"{name}{part}": text for part, text in zip(_PARTS, texts, strict=True)}
    return figures


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.8g}"
