"""Five points of a face: found by the detector, mirrored, and how far a network is off them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from keras_deid.boxes import Box, iou
from keras_deid.data.faces import Point
from keras_deid.evaluation.faces_found import LEAST_IOU, enlarge_for_detection

# Eyes, nose, corners of the mouth; the order in which they are left and right again in a mirrored picture.
LANDMARKS = 5
_MIRRORED = [1, 0, 2, 4, 3]


class FaceWithLandmarks(Protocol):
    """What is read of a detected face."""

    @property
    def box(self) -> Box:
        """(x0, y0, x1, y1) in pixels of the picture given."""

    @property
    def landmarks(self) -> Sequence[Point]:
        """`LANDMARKS` times (x, y), in the same pixels."""


class LandmarkDetector(Protocol):
    """A face detector that finds landmarks, such as `keras_deid.data.faces.FaceDetector`."""

    def detect(self, image: np.ndarray) -> Sequence[FaceWithLandmarks]:
        """Finds the faces in a uint8 RGB picture."""


def face_landmarks(detector: LandmarkDetector, picture: np.ndarray, box: Box) -> np.ndarray | None:
    """Finds the landmarks of the face that a box marks, in the picture enlarged as for faces_found.

    Args:
        detector: finds faces.
        picture: uint8 RGB `(height, width, 3)`, not de-identified.
        box: of the face, in pixels.

    Returns:
        float `(LANDMARKS, 2)`, (x, y) in pixels; None if no face is found with an intersection over union of at least
        `LEAST_IOU` with the box.
    """
    enlarged, scale = enlarge_for_detection(picture)
    x0, y0, x1, y1 = (edge * scale for edge in box)
    overlaps = [(iou(face.box, (x0, y0, x1, y1)), face) for face in detector.detect(enlarged)]
    overlap, face = max(overlaps, key=lambda pair: pair[0], default=(0.0, None))
    return None if face is None or overlap < LEAST_IOU else np.array(face.landmarks) / scale


def mirror_landmarks(landmarks: np.ndarray) -> np.ndarray:
    """Returns landmarks, float `(faces, LANDMARKS, 2)` in fractions of the picture's sides, of the mirrored picture."""
    return landmarks[:, _MIRRORED] * (-1, 1) + (1, 0)


def normalized_mean_errors(predicted: np.ndarray, true: np.ndarray, face_size: np.ndarray) -> np.ndarray:
    """Mean distance of the landmarks from the true ones, as a fraction of the face's size.

    The size is the square root of the box's area. The distance of the eyes, the older habit, is next to nothing in a
    profile.

    Args:
        predicted: float `(..., faces, LANDMARKS, 2)`.
        true: float `(faces, LANDMARKS, 2)`, in the same unit.
        face_size: float `(faces,)`, above 0, in the same unit.

    Returns:
        float `(..., faces)`, from 0.

    Reference:
        [Bulat and Tzimiropoulos, 2017](https://arxiv.org/abs/1703.07332).
    """
    return np.linalg.norm(predicted - true, axis=-1).mean(axis=-1) / face_size
