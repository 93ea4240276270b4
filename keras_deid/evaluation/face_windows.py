"""Windows about faces, cut from pictures in which the faces' landmarks are known."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import cv2
import numpy as np

from keras_deid.boxes import Box, square_around
from keras_deid.evaluation.landmarks import LANDMARKS

WINDOW = 32
# Windows of each face; how far they are moved at most, as a fraction of the box's longer side, and how much enlarged.
OF_FACE = 2
JITTER = 0.1


@dataclass(frozen=True)
class Windows:
    """Windows cut from pictures.

    Attributes:
        pixels: uint8 `(windows, WINDOW, WINDOW, 3)` by source: the same windows of each.
        landmarks: float32 `(windows, LANDMARKS, 2)`, (x, y) from its upper left corner, in fractions of its side.
        face_size: float32 `(windows,)`, square root of the area of the face's box, in the same unit.
        picture: int `(windows,)`, which picture they are from.
    """

    pixels: Mapping[str, np.ndarray]
    landmarks: np.ndarray
    face_size: np.ndarray
    picture: np.ndarray


def cut_windows(examples: Iterable[tuple[Mapping[str, np.ndarray], Box, np.ndarray]]) -> Windows:
    """Cuts `OF_FACE` squares about the face out of each picture, as wide as its box's longer side, moved by chance.

    Args:
        examples: of each picture its kinds by source, uint8 `(height, width, 3)`; its face's box, in pixels; and the
            landmarks, float `(LANDMARKS, 2)`, in pixels.

    Returns:
        the windows, the same for the same examples.
    """
    pixels: dict[str, list[np.ndarray]] = {}
    in_windows: list[np.ndarray] = []
    face_sizes: list[float] = []
    of_picture: list[int] = []
    for number, (pictures, box, landmarks) in enumerate(examples):
        random = np.random.default_rng(number)
        image_size = next(iter(pictures.values())).shape[:2]
        for _ in range(OF_FACE):
            window = square_around(_moved(box, random), 1.0, image_size)
            side = window[2] - window[0]
            for source, picture in pictures.items():
                pixels.setdefault(source, []).append(_cut(picture, window))
            in_windows.append((landmarks - window[:2]) / side)
            face_sizes.append(np.sqrt((box[2] - box[0]) * (box[3] - box[1])) / side)
            of_picture.append(number)
    return Windows(
        {source: np.stack(windows) for source, windows in pixels.items()},
        np.array(in_windows, np.float32).reshape(-1, LANDMARKS, 2),
        np.array(face_sizes, np.float32),
        np.array(of_picture, int),
    )


def _moved(box: Box, random: np.random.Generator) -> Box:
    x0, y0, x1, y1 = box
    across, down, larger = random.uniform(-JITTER, JITTER, 3) * max(x1 - x0, y1 - y0)
    return (x0 + across - larger / 2, y0 + down - larger / 2, x1 + across + larger / 2, y1 + down + larger / 2)


def _cut(picture: np.ndarray, window: tuple[int, int, int, int]) -> np.ndarray:
    x0, y0, x1, y1 = window
    interpolation = cv2.INTER_AREA if x1 - x0 > WINDOW else cv2.INTER_LINEAR
    return cv2.resize(picture[y0:y1, x0:x1], (WINDOW, WINDOW), interpolation=interpolation)
