"""The gallery's picture of a person: another one than the probe's, as far as one photograph allows."""

from __future__ import annotations

import numpy as np

from keras_deid.boxes import Box
from keras_deid.evaluation.landmarks import FaceWithLandmarks, LandmarkDetector
from keras_deid.field.matching import best_match
from keras_deid.hiding.afterwards import Afterwards

_EXPOSURE = 0.85
_AFTERWARDS = Afterwards(shrink=0.8, noise=2.0, jpeg=60)


def altered(photograph: np.ndarray) -> np.ndarray:
    """Mirrors a photograph, darkens it, shrinks it, adds noise and compresses it, uint8 `(height, width, 3)`."""
    darker = np.round(photograph[:, ::-1] * _EXPOSURE).astype(np.uint8)
    return _AFTERWARDS.apply(darker, np.random.default_rng(0))


def altered_face(
    photograph: np.ndarray, altered: np.ndarray, box: Box, detector: LandmarkDetector
) -> FaceWithLandmarks | None:
    """Finds a face of a photograph in the altered one, which is cut out there by what the detector says of it anew.

    Args:
        photograph: uint8 `(height, width, 3)`.
        altered: of `altered`.
        box: of the face in the photograph.
        detector: finds faces.

    Returns:
        The face, in pixels of the altered photograph; None if it is not found.
    """
    width, scale = photograph.shape[1], altered.shape[1] / photograph.shape[1]
    mirrored = tuple(edge * scale for edge in (width - box[2], box[1], width - box[0], box[3]))
    faces = detector.detect(altered)
    match = best_match(mirrored, [face.box for face in faces])
    return None if match is None else faces[match]
