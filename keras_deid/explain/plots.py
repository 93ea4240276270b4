"""The report's plots: estimates with their intervals, layer by layer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from keras_deid.explain.controls import CONTROLS
from keras_deid.explain.findings import Comparison, Finding
from keras_deid.explain.gates import Gates
from keras_deid.report.images import COLOURS, figure_png
from keras_deid.report.overlay import COLOUR_MAP
from keras_deid.statistics import Estimate

_COLOURS = (*COLOURS, "#666666")
# They tell the lines apart in grey.
_MARKERS = ("o", "s", "^", "D", "v", "P", "X")


def energy_by_layer(findings: Sequence[Finding]) -> bytes:
    """Plots the energy at each layer with intervals, and that of the controls, as PNG."""
    figure, axes = _canvas()
    _line(axes, 0, "the network itself", findings, [finding.metrics["energy"] for finding in findings])
    present = {comparison.control for finding in findings for comparison in finding.comparisons}
    for index, control in enumerate((name for name in CONTROLS if name in present), 1):
        _line(axes, index, control, findings, [_value_of(finding.comparisons, control) for finding in findings])
    axes.axhline(1, color="black", linewidth=1, linestyle=":")
    axes.set_ylabel("times the flat fraction")
    axes.set_ylim(bottom=0)
    axes.set_xticks(range(len(findings)), [finding.layer for finding in findings], rotation=30, ha="right")
    _legend_above(figure, axes)
    return figure_png(figure)


def channel_gates(gates: Mapping[str, Gates]) -> bytes:
    """Plots each module's channel gates in ascending order, means over pictures, as PNG."""
    figure, axes = _canvas()
    colours = matplotlib.colormaps[COLOUR_MAP](np.linspace(0, 0.9, len(gates)))
    for colour, (name, gate) in zip(colours, gates.items(), strict=True):
        axes.plot(np.sort(gate.channel.mean(axis=0)), label=name, color=colour)
    axes.set_xlabel("channel, in ascending order")
    axes.set_ylabel("channel gate")
    _legend_above(figure, axes)
    return figure_png(figure)


def cascade_plot(correlations: Mapping[str, Mapping[str, Estimate]]) -> bytes:
    """Plots how maps change while the network is randomised from its output on, as PNG.

    Args:
        correlations: by layer, then by the stage, the rank correlation with the trained network's map.
    """
    figure, axes = _canvas()
    for index, (layer, stages) in enumerate(correlations.items()):
        means = [np.nan if estimate.mean is None else estimate.mean for estimate in stages.values()]
        axes.plot(means, label=layer, color=_COLOURS[index % 7], marker=_MARKERS[index % 7], markersize=4)
        axes.set_xticks(range(len(stages)), list(stages), rotation=45, ha="right", fontsize=8)
    axes.axhline(0, color="black", linewidth=1, linestyle=":")
    axes.set_ylim(-1.05, 1.05)
    axes.set_ylabel("rank correlation")
    axes.set_xlabel("random from the output down to")
    _legend_above(figure, axes)
    return figure_png(figure)


def _canvas() -> tuple[Figure, Axes]:
    figure = Figure(figsize=(5.2, 4.2), layout="constrained")
    axes = figure.add_subplot()
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes


def _line(axes: Axes, index: int, label: str, findings: Sequence[Finding], estimates: Sequence[Estimate]) -> None:
    means = np.array([_or_nan(estimate.mean) for estimate in estimates])
    lows = np.array([_or_nan(estimate.low) for estimate in estimates])
    highs = np.array([_or_nan(estimate.high) for estimate in estimates])
    axes.errorbar(
        np.arange(len(findings)) + 0.06 * (index - 3),  # beside each other, so that no interval hides another
        means,
        yerr=np.stack([np.nan_to_num(means - lows), np.nan_to_num(highs - means)]).clip(0),
        label=label,
        color=_COLOURS[index % 7],
        marker=_MARKERS[index % 7],
        markersize=7 if index == 0 else 4,
        linewidth=2 if index == 0 else 0.8,
        capsize=2,
    )


def _value_of(comparisons: Sequence[Comparison], control: str) -> Estimate:
    found = [comparison.value for comparison in comparisons if comparison.control == control]
    return found[0] if found else Estimate(None, None, None)


def _legend_above(figure: Figure, axes: Axes) -> None:
    handles, labels = axes.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper left", ncols=2, frameon=False, fontsize=9)


def _or_nan(value: float | None) -> float:
    return float("nan") if value is None else value
