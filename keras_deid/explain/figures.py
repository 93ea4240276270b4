"""The report's pictures: overlays on one common scale, and plots with intervals."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence

import cv2
import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL import Image

from keras_deid.explain.controls import CONTROLS
from keras_deid.explain.gates import Gates
from keras_deid.explain.summary import Comparison, Estimate, Finding

# Perceptually even, readable in grey and with any colour vision (Nuñez et al., 2018, doi 10.1371/journal.pone.0199239).
COLOUR_MAP = "cividis"
# Okabe and Ito's colours, distinct for every kind of colour vision; the markers tell the lines apart in grey.
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#666666")
_MARKERS = ("o", "s", "^", "D", "v", "P", "X")
_LEAST_SIDE = 160


def share_of_flat(attention: np.ndarray) -> np.ndarray:
    """Divides a map by its mean, so that 1.0 is what a flat map has everywhere; a zero map stays zero."""
    mean = attention.mean()
    return attention / mean if mean > 0 else attention


def overlay(picture: np.ndarray, attention: np.ndarray, top: float) -> np.ndarray:
    """Lays a map over the grey picture.

    Args:
        picture: uint8 `(height, width, 3)`.
        attention: float `(height, width)`, in multiples of the flat share.
        top: the multiple from which on the colour is the brightest.

    Returns:
        uint8, the picture's shape.
    """
    colours = matplotlib.colormaps[COLOUR_MAP](np.clip(attention / top, 0, 1))[..., :3] * 255
    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)[..., None].astype(np.float64)
    return np.round(0.4 * grey + 0.6 * colours).astype(np.uint8)


def coloured(values: np.ndarray) -> np.ndarray:
    """Paints values from their least to their greatest: uint8 `(height, width, 3)`; constants in the middle colour."""
    low, spread = values.min(), np.ptp(values)
    scaled = (values - low) / spread if spread > 0 else np.full_like(values, 0.5)
    return np.round(matplotlib.colormaps[COLOUR_MAP](scaled)[..., :3] * 255).astype(np.uint8)


def outlined(picture: np.ndarray, region: np.ndarray) -> np.ndarray:
    """Enlarges a picture by a whole factor and draws the border of a region on it, white on black."""
    large, inside = enlarged(picture).copy(), enlarged(region.astype(np.uint8))
    borders, _ = cv2.findContours(inside, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    cv2.drawContours(large, borders, -1, (0, 0, 0), 3)
    cv2.drawContours(large, borders, -1, (255, 255, 255), 1)
    return large


def enlarged(picture: np.ndarray) -> np.ndarray:
    """Repeats pixels a whole number of times, until the shorter side has at least 160."""
    factor = max(1, -(-_LEAST_SIDE // min(picture.shape[:2])))
    return cv2.resize(picture, None, fx=factor, fy=factor, interpolation=cv2.INTER_NEAREST)


def png(picture: np.ndarray) -> bytes:
    """Encodes uint8 `(height, width, 3)` as PNG."""
    return _encoded(Image.fromarray(picture))


def scale_bar(top: float) -> bytes:
    """Draws the colours of `overlay` with their numbers, as PNG."""
    figure = Figure(figsize=(4.2, 0.7), layout="constrained")
    axes = figure.add_subplot()
    norm = matplotlib.colors.Normalize(0, top)
    figure.colorbar(
        matplotlib.cm.ScalarMappable(norm, COLOUR_MAP),
        cax=axes,
        orientation="horizontal",
        label="times the flat share",
        extend="max",
    )
    axes.axvline(1, color="white", linewidth=2)
    return _drawn(figure)


def energy_by_layer(findings: Sequence[Finding]) -> bytes:
    """Plots the energy at each layer with intervals, and that of the controls, as PNG."""
    figure, axes = _canvas()
    _line(axes, 0, "the network itself", findings, [finding.metrics["energy"] for finding in findings])
    present = {comparison.control for finding in findings for comparison in finding.comparisons}
    for index, control in enumerate((name for name in CONTROLS if name in present), 1):
        _line(axes, index, control, findings, [_value_of(finding.comparisons, control) for finding in findings])
    axes.axhline(1, color="black", linewidth=1, linestyle=":")
    axes.set_ylabel("times the flat share")
    axes.set_ylim(bottom=0)
    axes.set_xticks(range(len(findings)), [finding.layer for finding in findings], rotation=30, ha="right")
    _legend_above(figure, axes)
    return _drawn(figure)


def channel_gates(gates: Mapping[str, Gates]) -> bytes:
    """Plots each module's channel gates in ascending order, means over pictures, as PNG."""
    figure, axes = _canvas()
    colours = matplotlib.colormaps[COLOUR_MAP](np.linspace(0, 0.9, len(gates)))
    for colour, (name, gate) in zip(colours, gates.items(), strict=True):
        axes.plot(np.sort(gate.channel.mean(axis=0)), label=name, color=colour)
    axes.set_xlabel("channel, in ascending order")
    axes.set_ylabel("channel gate")
    _legend_above(figure, axes)
    return _drawn(figure)


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
    return _drawn(figure)


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


def _drawn(figure: Figure) -> bytes:
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=160)
    return file.getvalue()


def _encoded(image: Image.Image) -> bytes:
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()
