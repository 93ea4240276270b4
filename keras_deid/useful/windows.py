"""Windows of pictures as the detector sees them while it learns: mirrored, larger or smaller, lighter or darker."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from keras_deid.boxes import Box, area, clip_box
from keras_deid.useful.pictures import GREY, SIDE

WINDOW = 96
"""Pixels: half of a picture's side, at a quarter of the cost."""
_SCALES = (0.75, 1.35)
_GAINS = (0.8, 1.2)
_WITH_FACE = 0.75
"""How often a window is placed so that it shows a face."""
_PLACES = (0.15, 0.85)
"""Where in the window the middle of that face comes to lie."""
_LEAST_SEEN = 0.5
"""A face of which less is inside is no face to find."""


def draw_window(picture: np.ndarray, faces: Sequence[Box], rng: np.random.Generator) -> tuple[np.ndarray, list[Box]]:
    """Cuts a window out of a picture.

    Args:
        picture: uint8 `(SIDE, SIDE, 3)`.
        faces: pixels.
        rng: the window depends on it and on the faces, and not on the picture.

    Returns:
        uint8 `(WINDOW, WINDOW, 3)`, and the faces that it shows, in its pixels.
    """
    scale, mirrored, gain = rng.uniform(*_SCALES), rng.random() < 0.5, rng.uniform(*_GAINS)
    if faces and rng.random() < _WITH_FACE:
        x0, y0, x1, y1 = faces[int(rng.integers(len(faces)))]
        shown, place = ((x0 + x1) / 2, (y0 + y1) / 2), rng.uniform(*_PLACES, 2) * WINDOW
    else:
        shown, place = tuple(rng.uniform(0, SIDE, 2)), np.full(2, WINDOW / 2)
    across = -scale if mirrored else scale
    left, top = place[0] - across * shown[0], place[1] - scale * shown[1]
    # warpAffine counts from the middle of the first pixel, boxes from its edge.
    matrix = np.array([[across, 0, left + across / 2 - 0.5], [0, scale, top + scale / 2 - 0.5]])
    cut = cv2.warpAffine(picture, matrix, (WINDOW, WINDOW), borderMode=cv2.BORDER_CONSTANT, borderValue=(GREY,) * 3)
    seen = []
    for x0, y0, x1, y1 in faces:
        x0, x1 = sorted((across * x0 + left, across * x1 + left))
        box = (x0, scale * y0 + top, x1, scale * y1 + top)
        inside = clip_box(box, (WINDOW, WINDOW))
        if area(inside) >= _LEAST_SEEN * area(box) > 0:
            seen.append(inside)
    return np.clip(cut * np.float32(gain), 0, 255).astype(np.uint8), seen
