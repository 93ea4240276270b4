"""Figure 2: people of various clothes and backgrounds, what G makes of them, and where Grad-CAM lies."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import matplotlib
import numpy as np
from matplotlib.figure import Figure

from keras_deid.explain.groups import GROUPED_BY, names_of
from keras_deid.explain.maps import enlarge
from keras_deid.explain.pictures import Pictures
from keras_deid.figures.style import INK, TEXT_SIZE, WIDTH
from keras_deid.report.overlay import COLOUR_MAP, common_top, overlay, relative_to_flat

MOST_LAYERS = 6
_LABEL, _HEADING, _FOOT, _GAP = 0.42, 0.22, 0.5, 0.03
"""Inches: for the words beside a row, above and below the grid, and between the pictures."""
_HIGHEST = 9.0
"""Inches: a page."""


def various(pictures: Pictures, count: int) -> list[int]:
    """Chooses pictures of people who differ in clothes, background and number; what the maps show plays no part.

    Each is the first of those whose groups have been chosen least often so far.

    Args:
        pictures: at least one.
        count: how many at most.

    Returns:
        their numbers, in the order in which they were chosen.
    """
    kinds = [list(zip(GROUPED_BY, names, strict=True)) for names in zip(*_names(pictures), strict=True)]
    chosen: list[int] = []
    seen: Counter[tuple[str, str | None]] = Counter()
    while len(chosen) < min(count, len(pictures)):
        rest = [index for index in range(len(pictures)) if index not in chosen]
        best = min(rest, key=lambda index: (sum(seen[kind] for kind in kinds[index]), index))
        chosen.append(best)
        seen.update(kinds[best])
    return chosen


def spread(layers: Sequence[str]) -> list[str]:
    """Chooses up to `MOST_LAYERS` layers, evenly from the first to the last."""
    places = np.linspace(0, len(layers) - 1, min(len(layers), MOST_LAYERS)).round().astype(int)
    return [layers[place] for place in places]


def people_figure(pictures: Pictures, restored: np.ndarray, maps: dict[str, np.ndarray]) -> Figure:
    """Lays out a row for each picture: input, restored, original, and a map at each layer, all on one scale.

    Args:
        pictures: those to show.
        restored: uint8 `(pictures, height, width, 3)`.
        maps: by layer, float32 `(pictures, rows, columns)`.
    """
    relative = {
        layer: [relative_to_flat(one.astype(np.float64)) for one in enlarge(found, pictures.size)]
        for layer, found in maps.items()
    }
    top = common_top([one for found in relative.values() for one in found])
    columns = {"input": pictures.x, "restored": restored, "original": pictures.y} | {
        layer: [overlay(x, one, top) for x, one in zip(pictures.x, found, strict=True)]
        for layer, found in relative.items()
    }
    height, width = pictures.size
    fits = (_HIGHEST - _HEADING - _FOOT) / len(pictures) - _GAP  # the height of a picture
    wide = min((WIDTH - _LABEL) / len(columns), fits * width / height + _GAP)
    tall = (wide - _GAP) * height / width + _GAP
    across, total = _LABEL + len(columns) * wide, _HEADING + len(pictures) * tall + _FOOT
    figure = Figure(figsize=(across, total))
    for place, (label, shown) in enumerate(columns.items()):
        left = _LABEL + place * wide
        figure.text(
            (left + wide / 2) / across,
            1 - 0.5 * _HEADING / total,
            label,
            ha="center",
            va="center",
            size=TEXT_SIZE,
            color=INK,
        )
        for row, picture in enumerate(shown):
            bottom = total - _HEADING - (row + 1) * tall
            axes = figure.add_axes(
                (left / across, (bottom + _GAP) / total, (wide - _GAP) / across, (tall - _GAP) / total)
            )
            axes.imshow(picture, interpolation="none", aspect="auto")
            axes.set_axis_off()
            if label in relative and pictures.person[row].any():
                axes.contour(pictures.person[row], levels=[0.5], colors="white", linewidths=0.4)
    for row, words in enumerate(_described(pictures)):
        middle = total - _HEADING - (row + 0.5) * tall
        figure.text(
            0.5 * _LABEL / across,
            middle / total,
            words,
            rotation=90,
            ha="center",
            va="center",
            size=TEXT_SIZE - 1,
            color=INK,
        )
    _scale(figure, top, total)
    return figure


def _names(pictures: Pictures) -> list[list[str | None]]:
    return [names_of(pictures, by) for by in GROUPED_BY]


def _described(pictures: Pictures) -> list[str]:
    """Says what is known of each picture: the person's clothes, then the background, then the number of people."""
    rows = []
    for clothes, clutter, brightness, people in zip(*_names(pictures), strict=True):
        known = [
            f"{clothes} clothes" if clothes else "",
            f"{clutter}, {brightness} background" if clutter else "",
            f"{people} {'person' if people == '1' else 'people'}" if people else "",
        ]
        rows.append("\n".join(words for words in known if words))
    return rows


def _scale(figure: Figure, top: float, total: float) -> None:
    axes = figure.add_axes((0.35, 0.38 / total, 0.3, 0.07 / total))
    bar = figure.colorbar(
        matplotlib.cm.ScalarMappable(matplotlib.colors.Normalize(0, top), COLOUR_MAP),
        cax=axes,
        orientation="horizontal",
        extend="max",
    )
    bar.set_label("Grad-CAM, in multiples of a flat map", size=TEXT_SIZE, color=INK)
    bar.ax.tick_params(labelsize=TEXT_SIZE - 1, length=2)
    bar.outline.set_linewidth(0.4)
