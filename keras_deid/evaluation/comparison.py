"""Several evaluated runs side by side."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from keras_deid.errors import UserError

COLUMNS = {
    "psnr_mask": ("in mask, dB", "{:.2f}"),
    "ssim_mask": ("SSIM in mask", "{:.3f}"),
    "psnr_outside": ("outside, dB", "{:.1f}"),
    "psnr": ("whole, dB", "{:.2f}"),
    "ssim": ("SSIM", "{:.3f}"),
    "faces_found": ("faces found", "{:.1%}"),
}
_INTERVAL = {"psnr_mask": "{:.2f} to {:.2f}"}


def read_summary(run: Path) -> dict[str, Any]:
    """Reads a finished run's `summary.json`.

    Raises:
        UserError: if the run is not finished or the file is damaged.
    """
    path = run / "summary.json"
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError:
        raise UserError(f"{path}: no such file; finish the run with scripts/train.py") from None
    except ValueError:
        raise UserError(f"{path}: is not readable as JSON; train the run again") from None


def markdown_table(summaries: Mapping[str, Mapping[str, Any]]) -> str:
    """Lays out the inputs' floors and each run's figures as a Markdown table.

    Args:
        summaries: by the name of the run, the contents of its `summary.json`. All must have been evaluated on the same
            pictures.

    Returns:
        The table: a row for the original, each floor and each run.

    Raises:
        UserError: if the runs were evaluated on different pictures, which cannot be compared.
    """
    figures = {name: summary["figures"] for name, summary in summaries.items()}
    _check_same_data(figures)
    first = next(iter(figures.values()))
    lines = [
        "| | " + " | ".join(heading for heading, _ in COLUMNS.values()) + " | parameters of G | training |",
        "|---|" + "---|" * (len(COLUMNS) + 2),
        _row("*original*", first["original"], {}, "", ""),
    ]
    lines += [
        _row(f"*{name}*", values, first["intervals"]["inputs"][name], "", "")
        for name, values in first["inputs"].items()
    ]
    for name, summary in summaries.items():
        lines.append(
            _row(
                name,
                summary["figures"]["restored"],
                summary["figures"]["intervals"]["restored"],
                f"{summary['parameters']['generator']:,}",
                f"{summary['seconds'] / 60:.0f} min",
            )
        )
    return "\n".join(lines)


def _row(
    name: str, values: Mapping[str, float | None], intervals: Mapping[str, Any], parameters: str, training: str
) -> str:
    cells = [_cell(metric, values.get(metric), intervals.get(metric)) for metric in COLUMNS]
    return f"| {name} | " + " | ".join([*cells, parameters, training]) + " |"


def _cell(metric: str, value: float | None, interval: Sequence[float] | None) -> str:
    if value is None:
        return ""
    text = COLUMNS[metric][1].format(value)
    return f"{text} ({_INTERVAL[metric].format(*interval)})" if interval and metric in _INTERVAL else text


def _check_same_data(figures: Mapping[str, Mapping[str, Any]]) -> None:
    first_name, first = next(iter(figures.items()))
    for name, other in figures.items():
        for key in ("split", "images", "data", "settings"):
            if other[key] != first[key]:
                raise UserError(
                    f"{name} and {first_name} were evaluated on different pictures ({key} differs): evaluate both on "
                    "the same data"
                )
