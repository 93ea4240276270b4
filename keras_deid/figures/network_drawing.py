"""Figure 1: G and D with the shape of every stage, and CBAM where it sits."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, Rectangle

from keras_deid.explain.chain import Chain
from keras_deid.explain.targets import PatchView
from keras_deid.figures.stages import Drawn, Part, Stage, drawn
from keras_deid.figures.style import INK, SOFT, TEXT_SIZE, WIDTH
from keras_deid.layers.cbam import CBAM
from keras_deid.report.images import COLOURS

_BLUE, _VERMILION, _GREEN = COLOURS[:3]
# Inches: title, room for what passes by the boxes, the tallest box, a line of text, beside the drawing.
_TITLE, _PASSING, _TALLEST, _LINE, _SIDE = 0.3, 0.3, 1.0, TEXT_SIZE * 1.25 / 72, 0.06
_THICKEST = 0.62
"""Width of the widest box, of what a stage has."""
_TITLES = {
    "deidentified": "input",
    "stem": "first layers",
    "down": "down {n}",
    "block": "residual block",
    "cbam": "CBAM",
    "up": "up {n}",
    "head": "last layers",
    "bottleneck": "bottleneck",
    "picture": "input",
    "patch": "patch {n}",
    "verdict": "patch logits",
}


def network_figure(network: Chain, input_picture: np.ndarray, restored: np.ndarray) -> Figure:
    """Draws G above D: all that is written is read from the networks.

    A box is as high as the logarithm of the picture's height there, and as wide as that of the number of channels.

    Args:
        network: G and D.
        input_picture: uint8 `(height, width, 3)`, a de-identified picture, shown where G begins.
        restored: the same, what G makes of it, shown where G ends.
    """
    both = [
        (found := drawn(network.generator), _generator_title(found, network)),
        (found := drawn(network.discriminator), _discriminator_title(found, network)),
    ]
    heights = [_height(each) for each, _ in both]
    figure = Figure(figsize=(WIDTH, sum(heights)))
    top = 1.0
    for number, ((each, title), height) in enumerate(zip(both, heights, strict=True)):
        axes = figure.add_axes((0, top - height / sum(heights), 1, height / sum(heights)))
        top -= height / sum(heights)
        _draw(axes, each, title, height, (input_picture, restored) if number == 0 else None)
    return figure


def _height(network: Drawn) -> float:
    """Returns the inches that a network takes: title, what passes by, boxes, words."""
    lines = max(len(_lines(stage)) for stage in network.stages)
    return _TITLE + _PASSING * bool(network.skips) + _TALLEST + _LINE * (3 + lines)


def _generator_title(generator: Drawn, network: Chain) -> str:
    modules = [layer for layer in network.generator.layers if isinstance(layer, CBAM)]
    cbam = f", {len(modules)} CBAM modules (reduction {modules[0].reduction})" if modules else ", without CBAM"
    return f"G: {generator.parameters:,} parameters{cbam}"


def _discriminator_title(discriminator: Drawn, network: Chain) -> str:
    side = PatchView.of(network.discriminator).size
    conditional = ", sees G's input too" if network.discriminator.input_shape[-1] == 6 else ""
    return f"D: {discriminator.parameters:,} parameters, a patch is {side} × {side} pixels{conditional}"


def _draw(
    axes: Axes, network: Drawn, title: str, height: float, pictures: tuple[np.ndarray, np.ndarray] | None
) -> None:
    """Draws a network from left to right: a stage is a unit wide, the middle of the boxes is at 0.

    Args:
        axes: `height` inches high, as wide as the figure.
        network: what to draw.
        title: above it.
        height: of the axes.
        pictures: what to show in the place of the first box, and behind the last one; None for nothing.
    """
    stages = network.stages
    columns = len(stages) + (1 if pictures else 0)
    inch = columns / (WIDTH - 2 * _SIDE)  # in units
    highest = inch * (_TALLEST / 2 + _PASSING * bool(network.skips) + _TITLE)
    axes.set_xlim(-0.5 - _SIDE * inch, columns - 0.5 + _SIDE * inch)
    axes.set_ylim(highest - height * inch, highest)
    axes.set_axis_off()
    axes.text(-0.5, highest - 0.06 * inch, title, size=TEXT_SIZE + 1, weight="bold", va="top", color=INK)
    tallest = max(_log(stage.shape[0]) for stage in stages)
    thickest = max(_log(stage.shape[2]) for stage in stages)
    edges = []
    for x, stage in enumerate(stages):
        box_height = inch * _TALLEST * (0.15 + 0.85 * _log(stage.shape[0]) / tallest)
        box_width = _THICKEST * (0.2 + 0.8 * _log(stage.shape[2]) / thickest)
        if pictures and x == 0:
            box_width, box_height = _show(axes, pictures[0], x, inch)
        else:
            _box(axes, x, box_width, box_height, stage)
        _words(axes, x, -inch * (_TALLEST / 2 + _LINE / 2), stage, inch)
        edges.append((x - box_width / 2, x + box_width / 2, box_height / 2))
    if pictures:
        width, _ = _show(axes, pictures[1], len(stages), inch)
        edges.append((len(stages) - width / 2, 0, 0))
    for (_, right, _), (left, _, _) in zip(edges, edges[1:], strict=False):
        _arrow(axes, (right, 0), (left, 0))
    above = sorted(network.skips, key=lambda skip: skip[1] - skip[0])
    for number, (start, stop) in enumerate(above, 1):
        level = inch * (_TALLEST / 2 + _PASSING * number / len(above))
        _skip(axes, start, stop, (edges[start][2], edges[stop][2]), level)
    _repetitions(axes, network.parts, inch)


def _box(axes: Axes, x: float, width: float, height: float, stage: Stage) -> None:
    is_cbam = stage.kind == "cbam"
    colour = _VERMILION if is_cbam else _GREEN if stage.kind == "block" else _BLUE
    if not stage.operations:
        colour = SOFT
    corner = (x - width / 2, -height / 2)
    axes.add_patch(Rectangle(corner, width, height, facecolor=colour, edgecolor=INK, linewidth=0.5, alpha=0.85))
    if stage.has_attention and not is_cbam:  # in the branch: a band at the end of the block
        band = width / 4
        axes.add_patch(
            Rectangle(
                (x + width / 2 - band, -height / 2), band, height, facecolor=_VERMILION, edgecolor=INK, linewidth=0.5
            )
        )


def _words(axes: Axes, x: float, top: float, stage: Stage, inch: float) -> None:
    title = _TITLES.get(stage.kind, stage.kind).format(n=stage.name.rpartition("_")[2])
    shape = "×".join("any" if side is None else str(side) for side in stage.shape)
    size = min(TEXT_SIZE, 72 / inch / 7.4)
    common: Any = {"ha": "center", "va": "top", "linespacing": 1.2}
    axes.text(x, top, f"{title}\n{shape}", size=size, color=INK, **common)
    below = top - 2.3 * _LINE * inch
    axes.text(x, below, "\n".join(_lines(stage)), size=0.85 * size, color="#444444", **common)


def _lines(stage: Stage) -> list[str]:
    """Breaks what a stage does into lines that fit below its box."""
    return [line for operation in stage.operations for line in re.split(r"(?<=[,:]) |(?<=transposed) ", operation)]


def _skip(axes: Axes, start: int, stop: int, heights: tuple[float, float], level: float) -> None:
    """Draws what passes by, above the boxes; it leaves to the right of the middle and arrives to the left of it."""
    x0, x1 = start + 0.06, stop - 0.06
    axes.plot([x0, x0, x1], [heights[0], level, level], color=INK, linewidth=0.6)
    _arrow(axes, (x1, level), (x1, heights[1]))


def _arrow(axes: Axes, start: tuple[float, float], stop: tuple[float, float]) -> None:
    axes.add_patch(
        FancyArrowPatch(start, stop, arrowstyle="-|>", mutation_scale=5, linewidth=0.6, color=INK, shrinkA=0, shrinkB=0)
    )


def _repetitions(axes: Axes, parts: Sequence[Part], inch: float) -> None:
    """Frames what is repeated."""
    x, half = 0, inch * _TALLEST / 2
    for part in parts:
        if part.times > 1:
            corner, width = (x - 0.46, -half), len(part.stages) - 0.08
            frame = Rectangle(
                corner, width, 2 * half + 0.08 * inch, fill=False, edgecolor=INK, linewidth=0.6, linestyle="--"
            )
            axes.add_patch(frame)
            axes.text(
                x + len(part.stages) - 0.58, half + 0.06 * inch, f"× {part.times}", ha="right", va="top", size=TEXT_SIZE
            )
        x += len(part.stages)


def _show(axes: Axes, picture: np.ndarray, x: float, inch: float) -> tuple[float, float]:
    """Shows a picture in the place of a box; returns its width and height, in units."""
    height, width = picture.shape[:2]
    factor = min(0.86 / width, inch * _TALLEST / height)
    half_width, half_height = factor * width / 2, factor * height / 2
    limits = axes.axis()
    extent = (x - half_width, x + half_width, -half_height, half_height)
    axes.imshow(picture, extent=extent, interpolation="none", aspect="auto")
    axes.axis(limits)
    return 2 * half_width, 2 * half_height


def _log(value: int | None) -> float:
    return math.log2(1 + (value or 1))
