"""What is measured of a photograph: vectors of its face, untouched, in the gallery, hidden and restored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from keras_deid.boxes import Box
from keras_deid.data.faces import Point
from keras_deid.evaluation.landmarks import FaceWithLandmarks, LandmarkDetector
from keras_deid.hiding.kinds import BLOCKS_ACROSS, KINDS, Hidden, Kind
from keras_deid.privacy.alignment import aligned
from keras_deid.privacy.embedders import Embedder
from keras_deid.privacy.gallery import altered, altered_face
from keras_deid.privacy.probes import probe_faces, restore_hidden
from keras_deid.restoring.model import PictureModel

SCHEMA = 1
OFFERED: dict[str, Kind] = {**KINDS, **BLOCKS_ACROSS}
"""Ways to hide a face that can be measured."""
DEFAULT_KINDS = ("deface_blur", "deface_mosaic20", "deface_mosaic10", "deface_solid", "gaussian", *BLOCKS_ACROSS)
LEAST_FACE = 32
"""Pixels on the shorter side of a face; smaller ones are hard to recognise even when they are not hidden."""
ORIGINAL, GALLERY = "original", "gallery"
_DIGITS = 6

Vectors = dict[str, dict[str, list[float]]]
"""By recogniser, and by what the face was cut out of."""


@dataclass(frozen=True)
class Subject:
    """What is measured, and by what.

    Attributes:
        model: restores.
        detector: finds the faces and their landmarks in untouched photographs.
        embedders: recognise.
        kinds: ways to hide faces, keys of `OFFERED`.
    """

    model: PictureModel
    detector: LandmarkDetector
    embedders: Sequence[Embedder]
    kinds: Sequence[str]

    @property
    def settings(self) -> dict[str, Any]:
        """What all records have in common: the same settings give the same vectors of a photograph and kind."""
        return {
            "schema": SCHEMA,
            "model": self.model.name,
            "model_sha256": self.model.identity,
            "embedders": {embedder.name: embedder.identity for embedder in self.embedders},
            "faces": "CenterFace",
            "least_face": LEAST_FACE,
        }


class Face(NamedTuple):
    """A face in an untouched photograph.

    Attributes:
        box: in pixels.
        landmarks: five points (x, y), in pixels.
    """

    box: Box
    landmarks: Sequence[Point]


def enrol(photograph: np.ndarray, subject: Subject) -> tuple[Face, Vectors] | None:
    """Finds the most prominent face of an untouched photograph, and turns it into vectors.

    Args:
        photograph: uint8 `(height, width, 3)`, RGB.
        subject: what is measured.

    Returns:
        The face, and its vectors by `ORIGINAL` (the photograph as it is) and `GALLERY` (altered, see
        `keras_deid.privacy.gallery.altered`); None if no face has `LEAST_FACE` pixels, or it is not found in the
        altered photograph.
    """
    faces = [face for face in subject.detector.detect(photograph) if _is_large(face)]
    if not faces:
        return None
    face, other = faces[0], altered(photograph)
    found = altered_face(photograph, other, face.box, subject.detector)
    if found is None:
        return None
    vectors = {}
    for embedder in subject.embedders:
        cut = {
            ORIGINAL: aligned(photograph, face.landmarks, embedder.template, embedder.side),
            GALLERY: aligned(other, found.landmarks, embedder.template, embedder.side),
        }
        vectors[embedder.name] = _embedded(embedder, cut)
    return Face(face.box, face.landmarks), vectors


def stranger_faces(photograph: np.ndarray, face: Face, subject: Subject) -> dict[tuple[str, str], np.ndarray]:
    """Hides and restores the face of somebody who is then put in the place of others.

    Returns:
        By kind and recogniser: the restored face, aligned, uint8 `(side, side, 3)`.
    """
    restored = {}
    for kind in subject.kinds:
        hidden = OFFERED[kind].hide(photograph, [face.box])
        picture, landmarks = restore_hidden(subject.model, hidden), _scaled(face.landmarks, photograph, hidden)
        for embedder in subject.embedders:
            restored[kind, embedder.name] = aligned(picture, landmarks, embedder.template, embedder.side)
    return restored


def probe(
    photograph: np.ndarray,
    face: Face,
    kind: str,
    stranger: Mapping[tuple[str, str], np.ndarray],
    subject: Subject,
) -> Vectors:
    """Hides and restores a face, and turns it into vectors.

    Args:
        photograph: untouched, uint8 `(height, width, 3)`, RGB.
        face: that is hidden.
        kind: how, a key of `OFFERED`.
        stranger: of `stranger_faces`.
        subject: what is measured.

    Returns:
        The vectors by `keras_deid.privacy.probes.SOURCES`.
    """
    hidden = OFFERED[kind].hide(photograph, [face.box])
    restored, landmarks = restore_hidden(subject.model, hidden), _scaled(face.landmarks, photograph, hidden)
    return {
        embedder.name: _embedded(
            embedder, probe_faces(embedder, hidden, restored, landmarks, stranger[kind, embedder.name])
        )
        for embedder in subject.embedders
    }


def _embedded(embedder: Embedder, faces: Mapping[str, np.ndarray]) -> dict[str, list[float]]:
    vectors = embedder.embed(list(faces.values()))
    return {name: np.round(vector, _DIGITS).tolist() for name, vector in zip(faces, vectors, strict=True)}


def _scaled(landmarks: Sequence[Point], photograph: np.ndarray, hidden: Hidden) -> list[Point]:
    across, down = (hidden.picture.shape[axis] / photograph.shape[axis] for axis in (1, 0))
    return [(x * across, y * down) for x, y in landmarks]


def _is_large(face: FaceWithLandmarks) -> bool:
    x0, y0, x1, y1 = face.box
    return min(x1 - x0, y1 - y0) >= LEAST_FACE
