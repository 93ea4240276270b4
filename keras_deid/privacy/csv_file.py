"""`privacy.csv`: a line for each person, recogniser, kind and source."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path

from keras_deid.atomic import write_text
from keras_deid.privacy.protocol import METRICS
from keras_deid.privacy.summary import Results

COLUMNS = ("path", "embedder", "kind", "source", "rank", *METRICS)


def write_csv(path: Path, people: Sequence[str], results: Results) -> None:
    """Writes what became of each probe, with `COLUMNS`.

    Args:
        path: of the file.
        people: the photographs' paths, in the order of the probes.
        results: of `keras_deid.privacy.summary.compare`.
    """
    text = io.StringIO()
    lines = csv.writer(text, lineterminator="\n")
    lines.writerow(COLUMNS)
    for names, recognised in results.items():
        columns = [getattr(recognised, column) for column in ("rank", *METRICS)]
        for number, person in enumerate(people):
            lines.writerow([person, *names, *(f"{column[number]:g}" for column in columns)])
    write_text(path, text.getvalue())
