"""Cuts a face out of a photograph as a face recogniser expects it: landmarks at fixed places of a small picture."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from skimage.transform import SimilarityTransform

from keras_deid.data.faces import Point


def aligned(picture: np.ndarray, landmarks: Sequence[Point], template: np.ndarray, side: int) -> np.ndarray:
    """Turns, scales and shifts a picture so that a face's landmarks come as close as possible to those of a template.

    Pixels beyond the picture repeat its edge. Where the face is shrunk, its pixels are averaged first.

    Args:
        picture: uint8 `(height, width, 3)`, or float32 `(height, width)`.
        landmarks: five points (x, y), in pixels of the picture.
        template: float `(5, 2)`, where they belong, in pixels of the result.
        side: of the result, in pixels.

    Returns:
        `(side, side, 3)` or `(side, side)`, of the picture's type.

    Raises:
        ValueError: if all landmarks are the same point.

    Reference:
        [Umeyama, 1991](https://doi.org/10.1109/34.88573): the similarity transform with the least squared error.
    """
    moved = SimilarityTransform.from_estimate(np.asarray(landmarks, np.float64), template)
    if not moved:
        raise ValueError(f"Expected landmarks that are not all the same point. Received: {landmarks}")
    matrix = moved.params
    if moved.scale < 1:
        height, width = (max(round(length * moved.scale), 1) for length in picture.shape[:2])
        across, down = width / picture.shape[1], height / picture.shape[0]
        picture = cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA)
        # The middle of a pixel of the smaller picture, in pixels of the larger one
        matrix = matrix @ np.array([[1 / across, 0, 0.5 / across - 0.5], [0, 1 / down, 0.5 / down - 0.5], [0, 0, 1]])
    return cv2.warpAffine(picture, matrix[:2], (side, side), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
