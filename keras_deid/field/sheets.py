"""Comparison sheets: for each kind some faces, a row each: original, hidden, a baseline, restored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from keras_deid.boxes import Rectangle
from keras_deid.data.crops import cut_square, square_about
from keras_deid.hiding.kinds import KINDS, Hidden
from keras_deid.report.images import enlarged

SHOWN = 8
"""Faces in a sheet: the first one of each of the first photographs."""
_CONTEXT = 1.5
_LEAST, _MOST = 128, 320
"""Sides of a tile: smaller ones are enlarged by a whole factor without smoothing, larger ones are shrunk."""
_GAP, _LABEL_HEIGHT, _LABEL_SIZE = 4, 22, 14


def columns(kind: str) -> tuple[str, ...]:
    """Returns what is shown of a kind, from left to right; mosaics are compared with the enlargement of the blocks."""
    return ("original", "hidden", "bicubic" if KINDS[kind].family == "mosaic" else "inpainted", "restored")


def face_row(kind: str, hidden: Hidden, pictures: Mapping[str, np.ndarray], region: Rectangle) -> np.ndarray:
    """Cuts a face out of each picture.

    Args:
        kind: how it was hidden.
        hidden: the photograph.
        pictures: by `keras_deid.field.score.SOURCES`.
        region: that was hidden.

    Returns:
        uint8 `(side, 4 * side, 3)`: the tiles in the order of `columns`, pixel for pixel unless the face is small or
        large.
    """
    shown = {"original": hidden.original, "hidden": hidden.picture, **pictures}
    square = square_about(region, _CONTEXT)
    side = min(square.side, _MOST)
    tiles = np.concatenate([cut_square(shown[name], square, side) for name in columns(kind)], axis=1)
    return enlarged(tiles, _LEAST)


def sheet(labels: Sequence[str], rows: Sequence[np.ndarray]) -> np.ndarray:
    """Lays rows of faces out, with labels above.

    Args:
        labels: one for each tile of a row.
        rows: uint8 `(side, len(labels) * side, 3)`, of any side each; at least one.

    Returns:
        uint8 `(height, width, 3)`, on white.
    """
    widest = max(row.shape[0] for row in rows)
    width = len(labels) * (widest + _GAP) + _GAP
    height = _LABEL_HEIGHT + sum(row.shape[0] + _GAP for row in rows)
    canvas = Image.new("RGB", (width, height), "white")
    draw, font = ImageDraw.Draw(canvas), ImageFont.load_default(_LABEL_SIZE)
    for number, label in enumerate(labels):
        centre = _GAP + number * (widest + _GAP) + widest / 2
        draw.text((centre, _LABEL_HEIGHT / 2), label, "black", font, anchor="mm")
    top = _LABEL_HEIGHT
    for row in rows:
        side = row.shape[0]
        for number in range(len(labels)):
            tile = Image.fromarray(row[:, number * side : (number + 1) * side])
            canvas.paste(tile, (_GAP + number * (widest + _GAP) + (widest - side) // 2, top))
        top += side + _GAP
    return np.asarray(canvas)
