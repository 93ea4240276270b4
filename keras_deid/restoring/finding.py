"""Finds the hidden regions of pictures and writes them down: a CSV file that people can correct, and overlays."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from pathlib import Path

import cv2
import numpy as np

from keras_deid.atomic import write_bytes
from keras_deid.boxes import Rectangle
from keras_deid.data.images import ImageError, find_images, read_image, write_png
from keras_deid.errors import UserError
from keras_deid.locking import locked_file
from keras_deid.progress import Progress, silent
from keras_deid.restoring.found import Region
from keras_deid.restoring.outputs import check_apart, check_free, check_not_inputs
from keras_deid.restoring.region_sources import RegionSource

COLUMNS = ("path", "x0", "y0", "x1", "y1", "score")
"""Of the CSV file; `restore --boxes` reads it back."""

_COLOUR = (255, 0, 90)


def find_in(
    source: Path,
    regions: RegionSource,
    csv_file: Path,
    overlays: Path | None = None,
    progress: Progress = silent,
    *,
    overwrite: bool = False,
) -> tuple[int, int, list[ImageError]]:
    """Finds the regions of a picture, or of all pictures of a folder and its sub-folders.

    Args:
        source: picture or folder.
        regions: what finds.
        csv_file: file to write, with `COLUMNS`.
        overlays: folder to write, for each picture with regions `NAME.png`: the picture with the regions drawn over it.
        progress: counts the pictures.
        overwrite: replaces files that exist.

    Returns:
        How many pictures were looked at, how many regions they have, and the pictures that cannot be read.

    Raises:
        UserError: if there is no picture, a file cannot be written, or it exists.
    """
    pictures = find_images(source) if source.is_dir() else [source]
    base = source if source.is_dir() else source.parent
    named = {path.relative_to(base).as_posix(): path for path in pictures}
    drawn = {} if overlays is None else {name: overlays / f"{name}.png" for name in named}
    check_not_inputs([csv_file, *drawn.values()], pictures)
    if overlays is not None and source.is_dir():
        check_apart(source, overlays)
    if not overwrite:
        for path in (csv_file, *drawn.values()):
            check_free(path, "exists; choose another place")
    try:
        csv_file.parent.mkdir(parents=True, exist_ok=True)
        with locked_file(csv_file, f"{csv_file}: is being written by another process; wait for it"):
            rows, broken = _find(named, regions, drawn, progress)
            text = io.StringIO()
            csv.writer(text, lineterminator="\n").writerows((COLUMNS, *rows))
            # A name of a file may be no text.
            write_bytes(csv_file, text.getvalue().encode("utf-8", "surrogateescape"))
    except OSError as error:
        raise UserError(f"{csv_file}: cannot be written ({error.strerror or error}); choose another place") from error
    return len(pictures) - len(broken), len(rows), broken


def _find(
    pictures: Mapping[str, Path], regions: RegionSource, drawn: Mapping[str, Path], progress: Progress
) -> tuple[list[tuple[str, *Rectangle, float]], list[ImageError]]:
    """Finds the regions of pictures, draws them where `drawn` says so, and returns them and the broken pictures."""
    rows: list[tuple[str, *Rectangle, float]] = []
    broken: list[ImageError] = []
    for done, (name, path) in enumerate(pictures.items()):
        progress(done, len(pictures), "finding")
        try:
            picture = read_image(path)
        except ImageError as error:
            broken.append(error)
            continue
        found = regions.regions(name, path, picture)
        rows.extend((name, *region.box, round(region.score, 3)) for region in found)
        if found and name in drawn:
            write_png(drawn[name], draw_regions(picture, found))
    progress(len(pictures), len(pictures), "finding")
    return rows, broken


def draw_regions(picture: np.ndarray, regions: list[Region]) -> np.ndarray:
    """Draws regions over a picture: box, outline of what is replaced, and score.

    Args:
        picture: uint8 `(height, width, 3)`, RGB; is not changed.
        regions: of this picture.
    """
    drawn = picture.copy()
    thick = max(round(min(picture.shape[:2]) / 300), 1)
    for region in regions:
        x0, y0, x1, y1 = region.box
        cv2.rectangle(drawn, (x0, y0), (x1 - 1, y1 - 1), _COLOUR, thick)
        if region.opacity is not None:
            inside = (region.opacity > 0.5).astype(np.uint8)
            outline, _ = cv2.findContours(inside, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
            cv2.drawContours(drawn[y0:y1, x0:x1], outline, -1, (255, 255, 255), thick)
        label = f"{region.score:.2f}"
        cv2.putText(drawn, label, (x0, max(y0 - 3 * thick, 12)), cv2.FONT_HERSHEY_SIMPLEX, 0.4 * thick, _COLOUR, thick)
    return drawn
