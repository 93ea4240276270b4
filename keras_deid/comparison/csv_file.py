"""`comparison.csv`: all numbers of a comparison, for other programs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from keras_deid.comparison.cost import COSTS, costs_of
from keras_deid.comparison.entries import Entry
from keras_deid.comparison.table import Cell, Table
from keras_deid.evaluation.evaluation import ORIGINAL, RESTORED
from keras_deid.statistics import Estimate

_PARTS = ("", "_low", "_high", "_to_best", "_to_best_low", "_to_best_high", "_is_best")


def csv_text(table: Table, entries: Sequence[Entry], speeds: Mapping[str, float]) -> str:
    """Writes a line for the original, each baseline, each entry (mean of its seeds) and each run.

    Args:
        table: of the entries.
        entries: for their runs.
        speeds: images that each entry's generator restores in a second.

    Returns:
        CSV: name; kind (original, baseline, model, run); seed and costs of a run; images restored in a second by a
        model; for each metric the mean, its interval, the difference to the best entry with its interval, and 1 for
        the best where that is real. Empty where there is no number.
    """
    lines: list[dict[str, object]] = []
    by_name = {entry.name: entry for entry in entries}
    for row in table.rows:
        kind = "model" if row.is_entry else ("original" if row.name == ORIGINAL else "baseline")
        speed = speeds.get(row.name) if row.is_entry else None
        lines.append({"name": row.name, "kind": kind, "restored_per_second": speed} | _numbers(row.cells))
        for run in by_name[row.name].runs if row.is_entry else ():
            cells = {metric.name: Cell(Estimate(run.mean(RESTORED, metric.name))) for metric in table.metrics}
            about = {"name": run.label, "kind": "run", "seed": run.config.training.seed, **costs_of(run)}
            lines.append(about | _numbers(cells))
    columns = ["name", "kind", "seed", *COSTS, "restored_per_second"]
    columns += [f"{metric.name}{part}" for metric in table.metrics for part in _PARTS]
    frame = pd.DataFrame(lines, columns=columns)
    numbers = columns[2:]
    frame[numbers] = frame[numbers].astype(float)  # no integer has a missing value
    return frame.to_csv(index=False, float_format="%.8g", lineterminator="\n")


def _numbers(cells: Mapping[str, Cell]) -> dict[str, object]:
    numbers: dict[str, object] = {}
    for name, cell in cells.items():
        bounds = [getattr(of, part) for of in (cell.value, cell.to_best) for part in ("mean", "low", "high")]
        parts = zip(_PARTS, [*bounds, 1 if cell.is_best else None], strict=True)
        numbers |= {f"{name}{part}": value for part, value in parts}
    return numbers
