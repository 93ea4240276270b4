"""Pictures in a grid: a labelled column for each source, a row for each photo."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from keras_deid.atomic import write_bytes
from keras_deid.report.images import enlarged, png

# Small pictures are enlarged until they have at least this side.
LEAST_TILE = 128
_GAP, _LABEL_HEIGHT, _LABEL_SIZE = 4, 22, 15


def write_grid(path: Path, columns: Mapping[str, Sequence[np.ndarray]]) -> None:
    """Writes `picture_grid` as PNG."""
    write_bytes(path, png(picture_grid(columns)))


def picture_grid(columns: Mapping[str, Sequence[np.ndarray]]) -> np.ndarray:
    """Lays pictures out: a labelled column for each source, a row for each photo.

    Args:
        columns: for each label its pictures, uint8 `(height, width, 3)`, all of one size, as many under each label.

    Returns:
        uint8 `(rows, columns, 3)` on white; small pictures are enlarged by a whole factor, to a side of at least
        `LEAST_TILE`, without smoothing.

    Raises:
        ValueError: if there is no picture, or columns are of different lengths.
    """
    lengths = {len(pictures) for pictures in columns.values()}
    if len(lengths) != 1 or lengths == {0}:
        raise ValueError(f"Expected columns of one length, at least 1. Received lengths: {sorted(lengths)}")
    tiles = {label: [enlarged(picture, LEAST_TILE) for picture in pictures] for label, pictures in columns.items()}
    height, width = next(iter(tiles.values()))[0].shape[:2]
    canvas = Image.new(
        "RGB",
        (len(tiles) * (width + _GAP) + _GAP, _LABEL_HEIGHT + lengths.pop() * (height + _GAP)),
        "white",
    )
    draw = ImageDraw.Draw(canvas)
    font = ImageFont.load_default(_LABEL_SIZE)
    for column, (label, pictures) in enumerate(tiles.items()):
        left = _GAP + column * (width + _GAP)
        draw.text((left + width / 2, _LABEL_HEIGHT / 2), label, "black", font, anchor="mm")
        for row, picture in enumerate(pictures):
            canvas.paste(Image.fromarray(picture), (left, _LABEL_HEIGHT + row * (height + _GAP)))
    return np.asarray(canvas)
