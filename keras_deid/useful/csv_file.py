"""`useful.csv`: a line for each detection in the test photographs."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path

from keras_deid.atomic import write_text
from keras_deid.useful.average_precision import Ranked

COLUMNS = ("kind", "trained_on", "seed", "path", "score", "correct")


def write_csv(path: Path, ranked: Mapping[tuple[str, str], Sequence[Ranked]], photographs: Sequence[str]) -> None:
    """Writes the detections with `COLUMNS`, those of a detector together, the surest first.

    Args:
        path: of the file.
        ranked: by the kind (empty: not hidden) and by what the detectors learned from, for each seed.
        photographs: the test photographs, in the order that `ranked` counts them in.
    """
    text = io.StringIO()
    lines = csv.writer(text, lineterminator="\n")
    lines.writerow(COLUMNS)
    for names, of_seeds in ranked.items():
        for seed, found in enumerate(of_seeds):
            for score, correct, picture in zip(*found, strict=True):
                lines.writerow([*names, seed, photographs[picture], f"{score:.4f}", int(correct)])
    write_text(path, text.getvalue())
