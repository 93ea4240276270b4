"""The photographs of a field evaluation, and where their faces are."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from keras_deid.boxes import Box, clip_box, lies_outside
from keras_deid.data.boxes_csv import ListedBox, no_such_file, outside, read_boxes_csv
from keras_deid.data.images import ImageError, find_images, read_image
from keras_deid.data.names import Names, printable
from keras_deid.data.split import path_key, split_of
from keras_deid.errors import UserError
from keras_deid.evaluation.faces_found import Detector

ALL = "all"
"""Stands for the photographs of every split."""
VAL_FRACTION, TEST_FRACTION = 0.1, 0.1
"""Of the photographs: what `prepare` takes by default."""
LEAST_FACE = 16
"""Pixels on the shorter side of a face; smaller ones are not hidden."""
LEAST_PHOTOGRAPH = 32
"""Pixels on the shorter side of a photograph."""


log = logging.getLogger(__name__)


class FaceSource(Protocol):
    """Says where the faces of a photograph are.

    Attributes:
        settings: the same settings give the same faces.
    """

    settings: dict[str, Any]

    def faces(self, name: str, photograph: np.ndarray) -> list[Box]:
        """Returns the faces of at least `LEAST_FACE` pixels, boxes inside the photograph."""
        ...


class DetectedFaces:
    """Faces that a detector finds, the most prominent first.

    Args:
        detector: finds faces, with its own threshold on the score.
    """

    def __init__(self, detector: Detector) -> None:
        self._detector = detector
        self.settings: dict[str, Any] = {"faces": "CenterFace"}

    def faces(self, name: str, photograph: np.ndarray) -> list[Box]:
        """Finds the faces."""
        return [face.box for face in self._detector.detect(photograph) if _is_large(face.box)]


class ListedFaces:
    """Faces from a CSV file, see `keras_deid.data.boxes_csv.read_boxes_csv`.

    Args:
        path: the file; paths in it are relative to the folder of photographs.
        names: of the photographs in the folder.

    Raises:
        UserError: if it cannot be read, or names a photograph that is not there.
    """

    def __init__(self, path: Path, names: Mapping[str, Path]) -> None:
        self._path = path
        self._boxes: dict[str, list[ListedBox]] = {}
        known = Names(names)
        for written, rows in read_boxes_csv(path).items():
            name = known.find(printable(written))
            if name is None:
                raise no_such_file(path, rows[0].line, written, "file")
            self._boxes.setdefault(name, []).extend(rows)
        self.settings: dict[str, Any] = {"faces": hashlib.sha256(path.read_bytes()).hexdigest()}

    def faces(self, name: str, photograph: np.ndarray) -> list[Box]:
        """Returns the boxes of the photograph; what lies outside of it is cut off, or left out and said."""
        size = photograph.shape[:2]
        boxes = []
        for line, box in self._boxes.get(name, ()):
            if lies_outside(box, size):
                log.warning("skipped: %s", outside(self._path, line, box, name, size))
            else:
                boxes.append(clip_box(box, size))
        return [box for box in boxes if _is_large(box)]


def find_photographs(folder: Path) -> dict[str, Path]:
    """Lists the photographs of a folder and its sub-folders by their path inside it, with `/`.

    Raises:
        UserError: if the folder is missing, or holds none.
    """
    return {printable(path.relative_to(folder).as_posix()): path for path in find_images(folder)}


def select(
    photographs: Mapping[str, Path], split: str, limit: int | None = None, mend: str = f"try --split {ALL}"
) -> dict[str, Path]:
    """Keeps the photographs of a split.

    Args:
        photographs: by name.
        split: `"train"`, `"val"`, `"test"`, as `prepare` splits by default; or `ALL`.
        limit: how many to take at most, the first ones.
        mend: what to tell the user if there is none.

    Raises:
        UserError: if there is none.
    """
    kept = {
        name: path
        for name, path in photographs.items()
        if split == ALL or split_of(path_key(name), VAL_FRACTION, TEST_FRACTION) == split
    }
    if not kept:
        raise UserError(f"none of the {len(photographs)} photographs belongs to the split {split}; {mend}")
    return dict(list(kept.items())[:limit])


def read_photograph(path: Path) -> np.ndarray:
    """Reads a photograph, uint8 `(height, width, 3)`, RGB.

    Raises:
        ImageError: if it is missing, broken, or has fewer than `LEAST_PHOTOGRAPH` pixels on a side.
    """
    pixels = read_image(path)
    if min(pixels.shape[:2]) < LEAST_PHOTOGRAPH:
        height, width = pixels.shape[:2]
        raise ImageError(path, f"too small ({width} x {height}, less than {LEAST_PHOTOGRAPH} pixels on a side)")
    return pixels


def _is_large(box: Box) -> bool:
    return min(box[2] - box[0], box[3] - box[1]) >= LEAST_FACE
