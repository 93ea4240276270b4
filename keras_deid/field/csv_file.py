"""`field.csv`: a line for each face and kind."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from pathlib import Path

from keras_deid.atomic import write_text
from keras_deid.field.score import METRICS, ORIGINAL, SOURCES
from keras_deid.field.summary import Scored
from keras_deid.hiding.kinds import KINDS

COLUMNS = (
    *("path", "kind", "family", "face_x0", "face_y0", "face_x1", "face_y1"),
    *("region_x0", "region_y0", "region_x1", "region_y1", "region_found", f"{ORIGINAL}_found"),
    *(f"{source}_{metric}" for source in SOURCES for metric in METRICS),
)


def write_csv(path: Path, scored: Iterable[Scored]) -> None:
    """Writes the scores of all faces, with `COLUMNS`; a score that does not exist is an empty cell.

    Boxes are in pixels of the published photograph, which some kinds shrink.
    """
    text = io.StringIO()
    lines = csv.writer(text, lineterminator="\n")
    lines.writerow(COLUMNS)
    for one in scored:
        for face in one.record["faces"]:
            sources = face["sources"]
            scores = [sources[ORIGINAL]["found"], *(sources[name][metric] for name in SOURCES for metric in METRICS)]
            boxes = (*face["face"], *face["region"], int(face["region_found"]))
            lines.writerow(
                [one.path, one.kind, KINDS[one.kind].family, *boxes, *("" if x is None else f"{x:g}" for x in scores)]
            )
    write_text(path, text.getvalue())
