"""The page's plots: learning curves, and quality against block size, each line with its name at its end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from keras_deid.comparison.entries import Entry
from keras_deid.comparison.runs import Run
from keras_deid.report.images import COLOURS, figure_png

# What the learning curves show.
LEARNT = "val_psnr_mask"
# The dashes tell lines apart in grey, and where there are more lines than colours.
_COLOURS = (*COLOURS, "#000000")
_DASHES = ("-", "--", "-.")
_BASELINE = "#767676"
# Least distance between two names, as a fraction of the axis' height.
_LABEL_GAP = 0.055


@dataclass(frozen=True)
class Line:
    """A line of a plot.

    Attributes:
        name: written at its end.
        curves: x and y of each of its curves, one for each seed.
        is_baseline: whether it is drawn as something that restored pictures are compared with.
    """

    name: str
    curves: Sequence[tuple[np.ndarray, np.ndarray]]
    is_baseline: bool = False


def learning_curves(entries: Sequence[Entry], against: str) -> bytes | None:
    """Plots validation PSNR in the mask while training goes on, each seed a line, as PNG.

    Args:
        entries: in the order of their colours.
        against: "images" seen or "minutes" of training.

    Returns:
        None if no run has recorded it.
    """
    lines = [Line(entry.name, [curve for run in entry.runs if (curve := _learnt(run, against))]) for entry in entries]
    if not any(line.curves for line in lines):
        return None
    words = {"images": "images seen", "minutes": "minutes of training"}[against]
    return _plot(lines, words, "validation PSNR in the mask, dB")


def block_curves(curves: Mapping[str, Sequence[tuple[float, float]]], baselines: Sequence[str], unit: str) -> bytes:
    """Plots PSNR in the mask against the strength of the de-identification, as PNG.

    Args:
        curves: by name, (strength, dB).
        baselines: names of those of the baselines.
        unit: of the strength, in words.
    """
    lines = []
    for name, points in curves.items():
        x, y = np.array(points).T
        lines.append(Line(name, [(x, y)], name in baselines))
    return _plot(lines, unit, "PSNR in the mask, dB", marker="o")


def spread(positions: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """Moves positions apart until each two are at least `gap` from each other, between `low` and `high` if they fit.

    Returns:
        the new positions, in the given order.
    """
    order = np.argsort(positions, kind="stable")
    moved = np.array(positions, dtype=np.float64)
    previous = low - gap
    for index in order:
        moved[index] = previous = max(moved[index], previous + gap)
    following = high + gap
    for index in order[::-1]:
        moved[index] = following = min(moved[index], following - gap)
    return [float(position) for position in moved]


def _learnt(run: Run, against: str) -> tuple[np.ndarray, np.ndarray] | None:
    rows = [row for row in run.history if LEARNT in row and {"step", "seconds"} <= set(row)]
    if not rows:
        return None
    seen = np.array([row["step"] for row in rows]) * run.config.training.batch_size
    minutes = np.cumsum([row["seconds"] for row in rows]) / 60
    return (seen if against == "images" else minutes), np.array([row[LEARNT] for row in rows])


def _plot(lines: Sequence[Line], x_label: str, y_label: str, marker: str = "") -> bytes:
    figure = Figure(figsize=(5.6, 4.2), layout="constrained")
    axes = figure.add_subplot()
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_xlabel(x_label)
    axes.set_ylabel(y_label)
    axes.grid(axis="y", color="#e4e4e4", linewidth=0.6)
    coloured = [line for line in lines if not line.is_baseline]
    ends: list[tuple[str, float, str]] = []
    for line in lines:
        if not line.curves:
            continue
        index = coloured.index(line) if line in coloured else 0
        colour = _BASELINE if line.is_baseline else _COLOURS[index % len(_COLOURS)]
        dash = ":" if line.is_baseline else _DASHES[index // len(_COLOURS) % len(_DASHES)]
        for x, y in line.curves:
            axes.plot(x, y, color=colour, linestyle=dash, linewidth=1.6, marker=marker, markersize=3)
        ends.append((line.name, float(np.mean([y[-1] for _, y in line.curves])), colour))
    _name_ends(axes, ends)
    return figure_png(figure)


def _name_ends(axes: Axes, ends: Sequence[tuple[str, float, str]]) -> None:
    """Writes the names at the right, at the height where their lines end, as far as there is room."""
    low, high = axes.get_ylim()
    heights = [(y - low) / (high - low) for _, y, _ in ends]
    for (name, _, colour), height, place in zip(ends, heights, spread(heights, _LABEL_GAP, 0.0, 1.0), strict=True):
        axes.annotate(
            name,
            xy=(1.0, height),
            xytext=(1.05, place),
            xycoords="axes fraction",
            textcoords="axes fraction",
            color=colour,
            fontsize=9,
            va="center",
            arrowprops={"arrowstyle": "-", "color": colour, "linewidth": 0.6, "shrinkA": 1, "shrinkB": 0},
        )
