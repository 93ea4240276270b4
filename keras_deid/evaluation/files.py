"""What an evaluation leaves beside its figures: scores of each picture (CSV), and a picture to look at (PNG)."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from keras_deid.atomic import write_bytes, write_text
from keras_deid.evaluation.evaluate import ALL_METRICS, PictureRow

CSV_COLUMNS = ("path", "source", *ALL_METRICS, "box_width", "block", "brightness")
# Small pictures are enlarged by a whole factor until they have at least this side: a mosaic's blocks stay sharp.
LEAST_TILE = 128
_GAP, _LABEL_HEIGHT, _LABEL_SIZE = 4, 22, 15


def write_csv(path: Path, rows: Iterable[PictureRow]) -> None:
    """Writes a line for each picture and source; a score that does not exist is an empty cell.

    The columns are `CSV_COLUMNS`, and after them those scores of the rows that are not among these, such as lpips.
    """
    rows = list(rows)
    further = dict.fromkeys(name for row in rows for name in row.scores if name not in CSV_COLUMNS)
    text = io.StringIO()
    lines = csv.DictWriter(text, (*CSV_COLUMNS, *further), lineterminator="\n")
    lines.writeheader()
    for row in rows:
        numbers = {**row.scores, "box_width": row.box_width, "block": row.block, "brightness": row.brightness}
        cells = {name: "" if math.isnan(value) else f"{value:.6g}" for name, value in numbers.items()}
        lines.writerow({"path": row.path, "source": row.source, **cells})
    write_text(path, text.getvalue())


def write_grid(path: Path, columns: Mapping[str, Sequence[np.ndarray]]) -> None:
    """Writes `picture_grid` as PNG."""
    png = io.BytesIO()
    Image.fromarray(picture_grid(columns)).save(png, "PNG")
    write_bytes(path, png.getvalue())


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
    tiles = {label: [_enlarge(picture) for picture in pictures] for label, pictures in columns.items()}
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


def _enlarge(picture: np.ndarray) -> np.ndarray:
    factor = max(1, math.ceil(LEAST_TILE / min(picture.shape[:2])))
    return cv2.resize(picture, None, fx=factor, fy=factor, interpolation=cv2.INTER_NEAREST)
