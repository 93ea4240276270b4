"""Photographs made crowded: heads and shoulders of a person, put beside the person in other sizes."""

from __future__ import annotations

import cv2
import numpy as np

from keras_deid.boxes import Box

_MOST = 7
"""Persons that are added at most."""
_SCALES = (0.5, 1.2)
"""Range of their size, relative to the person's."""
_LEAST_FACE = 10.0
"""Pixels; no narrower face is added."""
_LIGHT = (0.6, 1.25)
"""Range of the factor on their brightness."""
_ABOVE, _BESIDE, _BELOW = 0.5, 0.9, 1.6
"""How far the part that is copied goes beyond the face, in its width and height."""
_COVERED = 0.35
"""A person that would cover more than this part of another's face is not added."""


def crowded(photograph: np.ndarray, faces: list[Box], rng: np.random.Generator) -> tuple[np.ndarray, list[Box]]:
    """Puts copies of a person's head and shoulders beside them, as in a crowd, so that faces touch and overlap.

    Args:
        photograph: uint8 `(height, width, 3)`; is not changed.
        faces: boxes in its pixels.
        rng: draws whom, how many, how large, how bright, and where.

    Returns:
        The photograph, uint8 of the same shape; its faces, then those that were added.
    """
    height, width = photograph.shape[:2]
    whole = [face for face in faces if face[0] >= 0 and face[1] >= 0 and face[2] <= width and face[3] <= height]
    if not whole:
        return photograph, faces
    crowd, present = photograph.copy(), list(faces)
    x0, y0, x1, y1 = whole[rng.integers(len(whole))]
    wide, high = x1 - x0, y1 - y0
    left, top = max(round(x0 - _BESIDE * wide), 0), max(round(y0 - _ABOVE * high), 0)
    right, bottom = min(round(x1 + _BESIDE * wide), width), min(round(y1 + _BELOW * high), height)
    person = photograph[top:bottom, left:right]
    for _ in range(int(rng.integers(1, _MOST + 1))):
        scale = rng.uniform(*_SCALES)
        size = round((right - left) * scale), round((bottom - top) * scale)
        if wide * scale < _LEAST_FACE or size[0] > width or size[1] > height:
            continue
        copy = cv2.resize(person, size, interpolation=cv2.INTER_AREA)
        face = np.array([x0 - left, y0 - top, x1 - left, y1 - top]) * scale
        if rng.random() < 0.5:
            copy, face = copy[:, ::-1], np.array([size[0] - face[2], face[1], size[0] - face[0], face[3]])
        across = round(x0 + rng.normal(0, 2.5) * wide - face[0])
        down = round(y0 + rng.normal(0, 0.8) * high - face[1])
        across, down = min(max(across, 0), width - size[0]), min(max(down, 0), height - size[1])
        place = (across, down, across + size[0], down + size[1])
        if any(_covered(other, place) > _COVERED for other in present):
            continue
        shade = np.clip(copy * rng.uniform(*_LIGHT), 0, 255)
        under = crowd[place[1] : place[3], place[0] : place[2]]
        under[:] = np.round(under + _outline(size)[..., None] * (shade - under)).astype(np.uint8)
        present.append(tuple((face + (across, down, across, down)).tolist()))
    return crowd, present


def _covered(face: Box, place: Box) -> float:
    """Returns the part of a face that lies in the inner part of a place."""
    x0, y0, x1, y1 = place
    inset = 0.15 * (x1 - x0)
    wide = min(face[2], x1 - inset) - max(face[0], x0 + inset)
    high = min(face[3], y1) - max(face[1], y0)
    return max(wide, 0.0) * max(high, 0.0) / ((face[2] - face[0]) * (face[3] - face[1]))


def _outline(size: tuple[int, int]) -> np.ndarray:
    """Returns how much of each pixel is covered: a head and shoulders with a soft edge, float32 `(height, width)`."""
    width, height = size
    shape: np.ndarray = np.zeros((height, width), np.float32)
    cv2.ellipse(
        shape, (width // 2, round(0.36 * height)), (round(0.27 * width), round(0.33 * height)), 0, 0, 360, 1, -1
    )
    cv2.ellipse(shape, (width // 2, height), (round(0.46 * width), round(0.42 * height)), 0, 0, 360, 1, -1)
    return cv2.GaussianBlur(shape, (0, 0), max(0.02 * width, 0.5))
