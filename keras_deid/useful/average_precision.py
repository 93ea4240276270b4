"""Average precision of a detector: the area under its precision by recall."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from keras_deid.boxes import Box, iou
from keras_deid.evaluation.faces_found import LEAST_IOU

LEAST_SIDE = 8.0
"""Pixels, on the shorter side of a face in the detector's picture."""
Detection = tuple[float, Box]
"""Score in (0, 1), and where the face is, in pixels."""


class Ranked(NamedTuple):
    """The detections in all pictures, the surest first.

    Attributes:
        score: float `(detections,)`.
        correct: bool `(detections,)`, whether it is a face that no surer one has found.
        picture: int `(detections,)`, number of its picture.
    """

    score: np.ndarray
    correct: np.ndarray
    picture: np.ndarray


def are_correct(detections: Sequence[Detection], faces: Sequence[Box]) -> list[bool | None]:
    """Pairs the detections in a picture with its faces, the surest one first, each face with one detection.

    Args:
        detections: the surest first.
        faces: the true boxes.

    Returns:
        for each detection, whether it overlaps one of the faces that are left by at least `LEAST_IOU`; of several it
        takes the one that it overlaps most. None where that face is too small to count, see `counts`.
    """
    left = list(faces)
    correct: list[bool | None] = []
    for _, box in detections:
        overlaps = [iou(box, face) for face in left]
        best = max(range(len(left)), key=overlaps.__getitem__, default=None)
        if best is None or overlaps[best] < LEAST_IOU:
            correct.append(False)
        else:
            correct.append(True if counts(left[best]) else None)
            del left[best]
    return correct


def counts(face: Box) -> bool:
    """Tells whether a face is large enough to be looked for: neither to find nor to miss a smaller one counts."""
    return min(face[2] - face[0], face[3] - face[1]) >= LEAST_SIDE


def rank(detections: Sequence[Sequence[Detection]], faces: Sequence[Sequence[Box]]) -> Ranked:
    """Puts the detections of all pictures in one order, without those of faces that do not count.

    Args:
        detections: in each picture, the surest first.
        faces: in each picture.
    """
    found = [
        (score, correct, picture)
        for picture, (of_picture, true) in enumerate(zip(detections, faces, strict=True))
        for (score, _), correct in zip(of_picture, are_correct(of_picture, true), strict=True)
        if correct is not None
    ]
    score = np.array([one[0] for one in found], np.float64)
    correct, picture = (np.array([one[number] for one in found], kind) for number, kind in ((1, bool), (2, int)))
    order = np.argsort(-score, kind="stable")
    return Ranked(score[order], correct[order], picture[order])


def average_precision(ranked: Ranked, faces: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Computes the average precision, for each of several draws of pictures.

    Args:
        ranked: the detections.
        faces: int `(pictures,)`, how many faces that count each picture has.
        weights: float `(draws, pictures)`, from 0, how often a draw has each picture; in all 1, it is the usual one.

    Returns:
        float `(draws,)`, in [0, 1]; NaN for a draw without a face.

    Reference:
        [Everingham et al., 2015](https://doi.org/10.1007/s11263-014-0733-5): the precision at a recall is the highest
        at this one or a higher one, and every recall counts.
    """
    weight = weights[:, ranked.picture]
    found = np.cumsum(weight * ranked.correct, axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        recall = found / (weights @ faces)[:, None]
        precision = np.nan_to_num(found / np.cumsum(weight, axis=1))
    highest = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
    area: np.ndarray = (np.diff(recall, axis=1, prepend=0.0) * highest).sum(axis=1)
    return area
