"""Usefulness of a picture: does a detector find the face in it again?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import cv2
import numpy as np

from keras_deid.boxes import Box, iou
from keras_deid.data.faces import FaceDetector

# The overlap with the true box from which a detection counts, as usual in face and object detection.
LEAST_IOU = 0.5
# Smaller pictures are enlarged to this. Tried on 54 crops of 64 px in which the face is half as wide as the picture and
# the mosaic has five blocks: at 256 px and a score of 0.5 CenterFace finds every original, 1 mosaic in 6, and 2 of 3
# bicubic enlargements; at 128 px it takes half of the mosaics for faces, and at 384 px it costs twice the time.
DETECTION_SIDE = 256
LEAST_SCORE = 0.5


class Detection(Protocol):
    """What is read of a detected face."""

    @property
    def box(self) -> Box:
        """(x0, y0, x1, y1) in pixels of the picture given."""


class Detector(Protocol):
    """A face detector, such as `keras_deid.data.faces.FaceDetector`."""

    def detect(self, image: np.ndarray) -> Sequence[Detection]:
        """Finds the faces in a uint8 RGB picture."""


def evaluation_detector() -> FaceDetector:
    """Returns CenterFace with the settings that faces_found is defined by; it looks at every pixel of a picture."""
    return FaceDetector(min_face=FaceDetector.DETECTABLE, min_score=LEAST_SCORE)


def face_found(detector: Detector, picture: np.ndarray, box: Sequence[float] | np.ndarray) -> float:
    """Tells whether the detector finds the face that the true box marks.

    The picture is first enlarged (bicubic) until its shorter side has `DETECTION_SIDE` pixels; a larger one is left
    as it is. Any of the faces found may be the one.

    Args:
        detector: finds faces, with its own threshold on the score.
        picture: uint8 RGB `(height, width, 3)`.
        box: (x0, y0, x1, y1) of the true face in pixels of the picture.

    Returns:
        1.0 if a face is found with an intersection over union of at least `LEAST_IOU` with the box, 0.0 if not, and
        NaN if the box is empty (data that come without boxes).
    """
    x0, y0, x1, y1 = (float(edge) for edge in box)
    if x1 <= x0 or y1 <= y0:
        return float("nan")
    enlarged, scale = enlarge_for_detection(picture)
    true_box = (x0 * scale, y0 * scale, x1 * scale, y1 * scale)
    return float(any(iou(face.box, true_box) >= LEAST_IOU for face in detector.detect(enlarged)))


def enlarge_for_detection(picture: np.ndarray) -> tuple[np.ndarray, float]:
    """Returns a picture whose shorter side has at least `DETECTION_SIDE` pixels, and how many times larger it is."""
    scale = max(1.0, DETECTION_SIDE / min(picture.shape[:2]))
    height, width = (round(side * scale) for side in picture.shape[:2])
    return (cv2.resize(picture, (width, height), interpolation=cv2.INTER_CUBIC) if scale > 1 else picture), scale
