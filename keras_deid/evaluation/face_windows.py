"""Windows of faces and of background, cut from pictures whose faces' boxes are known."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import cv2
import numpy as np

from keras_deid.data.boxes import Box, square_around
from keras_deid.evaluation.faces_found import LEAST_IOU

WINDOW = 32
# A window that shares more than this with a face (intersection over union) is no background: the overlap from which a
# detection counts. Windows that hold half of a face are what a detector has to tell from it.
MOST_IOU = LEAST_IOU
# Places for a background window are tried on a grid this fine, in shares of the window's side.
_GRID = 1 / 16


@dataclass(frozen=True)
class Windows:
    """Windows cut from pictures, as many of faces as of background.

    Attributes:
        pixels: uint8 `(windows, WINDOW, WINDOW, 3)` by source: the same windows of each.
        is_face: bool `(windows,)`.
        picture: int `(windows,)`, which picture they are from.
    """

    pixels: Mapping[str, np.ndarray]
    is_face: np.ndarray
    picture: np.ndarray


def cut_windows(examples: Iterable[tuple[Mapping[str, np.ndarray], np.ndarray]], jitter: float, faces: int) -> Windows:
    """Cuts windows of the face, and as many of the background, out of pictures.

    A window of a face is a square about its box, as wide as the box's longer side; one of the background is as large,
    anywhere in the picture where it shares little with any face.

    Args:
        examples: of each picture its kinds by source, uint8 `(height, width, 3)`, and its faces' boxes, float
            `(faces, 4)` in pixels, the first one the face that it is about, those that fill up without area.
        jitter: how far a face's window is moved at most, as a share of its side, and its size changed.
        faces: windows of the face (and of the background) from each picture.

    Returns:
        the windows; nothing of a picture without a face, or without room for background beside it.
    """
    pixels: dict[str, list[np.ndarray]] = {}
    is_face: list[bool] = []
    of_picture: list[int] = []
    for number, (pictures, boxes) in enumerate(examples):
        random = np.random.default_rng(number)
        size = next(iter(pictures.values())).shape[:2]
        boxes = boxes[(boxes[:, 2] > boxes[:, 0]) & (boxes[:, 3] > boxes[:, 1])]
        places = background_places(boxes, size) if len(boxes) else np.zeros((0, 4), int)
        if not len(places):
            continue
        of_faces = [square_around(_moved(boxes[0], jitter, random), 1.0, size) for _ in range(faces)]
        of_background = [tuple(place) for place in random.choice(places, faces).tolist()]
        for window in (*of_faces, *of_background):
            for source, picture in pictures.items():
                pixels.setdefault(source, []).append(_cut(picture, window))
        is_face += [True] * faces + [False] * faces
        of_picture += [number] * (2 * faces)
    return Windows(
        {source: np.stack(windows) for source, windows in pixels.items()}, np.array(is_face, bool), np.array(of_picture)
    )


def background_places(boxes: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Finds squares as wide as the longer side of the first box that share no more than `MOST_IOU` with any box.

    Args:
        boxes: float `(faces, 4)`, in pixels, none of them empty.
        size: (height, width) of the picture.

    Returns:
        int `(places, 4)`, inside the picture; none if there is no room.
    """
    height, width = size
    x0, y0, x1, y1 = square_around(tuple(boxes[0].tolist()), 1.0, size)
    side = x1 - x0
    step = max(1, round(side * _GRID))
    left, top = np.meshgrid(np.arange(0, width - side + 1, step), np.arange(0, height - side + 1, step))
    places = np.stack([left, top, left + side, top + side], axis=-1).reshape(-1, 4)
    low = np.maximum(places[:, None, :2], boxes[None, :, :2])
    high = np.minimum(places[:, None, 2:], boxes[None, :, 2:])
    shared = np.clip(high - low, 0, None).prod(axis=-1)
    union = side**2 + (boxes[:, 2:] - boxes[:, :2]).prod(axis=-1) - shared
    return places[(shared / union <= MOST_IOU).all(axis=1)]


def _moved(box: np.ndarray, jitter: float, random: np.random.Generator) -> Box:
    x0, y0, x1, y1 = box.tolist()
    side = max(x1 - x0, y1 - y0)
    across, down, larger = random.uniform(-jitter, jitter, 3) * side
    return (x0 + across - larger / 2, y0 + down - larger / 2, x1 + across + larger / 2, y1 + down + larger / 2)


def _cut(picture: np.ndarray, window: tuple[int, int, int, int]) -> np.ndarray:
    x0, y0, x1, y1 = window
    interpolation = cv2.INTER_AREA if x1 - x0 > WINDOW else cv2.INTER_LINEAR
    return cv2.resize(picture[y0:y1, x0:x1], (WINDOW, WINDOW), interpolation=interpolation)
