"""What face detectors learn from: a photograph as it is, hidden, filled in without learning, and restored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from keras_deid.boxes import Box, scale_edges
from keras_deid.field.baselines import enlarge_blocks, inpaint
from keras_deid.field.score import SOURCES
from keras_deid.field.subject import Subject
from keras_deid.hiding.kinds import KINDS
from keras_deid.restoring.repair import restore_regions

SCHEMA = 1
DEFAULT_KINDS = ("deface_blur", "deface_mosaic20", "deface_solid")
SIDE = 256
"""Pixels of the square picture that the detector sees; the photograph's longer side fills it."""
GREY = 128
"""Beside a photograph that is no square."""


@dataclass(frozen=True)
class UsefulSubject(Subject):
    """What is measured, and the size that detectors see."""

    @property
    def settings(self) -> dict[str, Any]:
        """What all records have in common: the same settings give the same pictures of a photograph and kind."""
        return {"schema": SCHEMA, **super().settings, "side": SIDE}


def sources_of(kind: str) -> tuple[str, ...]:
    """Returns what detectors learn from where faces are hidden in a kind; only mosaics have blocks to enlarge."""
    return tuple(source for source in SOURCES if source != "bicubic" or KINDS[kind].family == "mosaic")


def fit(photograph: np.ndarray) -> np.ndarray:
    """Resizes a photograph until its longer side has `SIDE` pixels, and puts it into a grey square, top left.

    Args:
        photograph: uint8 `(height, width, 3)`.

    Returns:
        uint8 `(SIDE, SIDE, 3)`.
    """
    factor = SIDE / max(photograph.shape[:2])
    height, width = (max(round(side * factor), 1) for side in photograph.shape[:2])
    square = np.full((SIDE, SIDE, 3), GREY, np.uint8)
    filters = cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC
    square[:height, :width] = cv2.resize(photograph, (width, height), interpolation=filters)
    return square


def fit_faces(faces: Sequence[Box], size: tuple[int, int]) -> list[Box]:
    """Returns the faces of a photograph of size (height, width) in pixels of `fit`."""
    return [scale_edges(face, SIDE / max(size)) for face in faces]


def altered_pictures(
    name: str, path: Path, pixels: np.ndarray, faces: Sequence[Box], kind: str, subject: Subject
) -> np.ndarray:
    """Hides the faces of a photograph at its own size, restores it, and fits all that comes of it.

    Args:
        name: of the photograph.
        path: of the file, for errors.
        pixels: uint8 `(height, width, 3)`, RGB, untouched.
        faces: all that are hidden, in pixels; there may be none.
        kind: how, a key of `KINDS`.
        subject: what is measured.

    Returns:
        uint8 `(SIDE, n * SIDE, 3)`: the n pictures of `sources_of(kind)`, side by side.

    Raises:
        ImageError: if a region cannot be restored.
    """
    hidden = KINDS[kind].hide(pixels, faces)
    regions = subject.regions.regions(name, path, hidden.picture)
    pictures = {
        "input": hidden.picture,
        "bicubic": enlarge_blocks(hidden),
        "inpainted": inpaint(hidden),
        "restored": restore_regions(subject.model, [hidden.picture], [regions])[0],
    }
    return np.concatenate([fit(pictures[source]) for source in sources_of(kind)], axis=1)
