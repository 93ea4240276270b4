"""What a model sees of a photograph, and how its answer is put back.

With boxes, each region is cropped with the context that training used, restored, and put back inside the region alone;
all other pixels stay as they are. The edge is hard: a soft one would mix the mosaic in. Without boxes the whole picture
is the model's input, as in the paper.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from keras_deid.data.boxes import Box, clip_box, square_around
from keras_deid.data.images import resize_image

Rectangle = tuple[int, int, int, int]


@dataclass(frozen=True)
class Part:
    """A part of a photograph that goes through the model.

    Attributes:
        crop: (x0, y0, x1, y1), whole pixels of the photograph, what the model sees.
        frame: the same of what the model is given: where in it the crop lies, the edge repeated around it.
        region: what is replaced, whole pixels of the photograph, inside `crop`; None for all of it.
    """

    crop: Rectangle
    frame: Rectangle
    region: Rectangle | None


def whole_picture(picture_size: tuple[int, int], model_size: tuple[int, int]) -> Part:
    """Returns the part that is the whole picture.

    Args:
        picture_size: (height, width).
        model_size: (height, width).
    """
    height, width = picture_size
    return Part((0, 0, width, height), _frame(picture_size, model_size), None)


def part_around(box: Box, context: float, picture_size: tuple[int, int], model_size: tuple[int, int]) -> Part:
    """Returns the part that restores one region.

    Args:
        box: the region, pixels; what lies outside of the picture is cut off.
        context: side of the crop relative to the box's longer side, as in training.
        picture_size: (height, width).
        model_size: (height, width).

    Raises:
        ValueError: if the box lies outside of the picture, or `context` is below 1.
    """
    x0, y0, x1, y1 = clip_box(box, picture_size)
    if not (x1 > x0 and y1 > y0):
        raise ValueError(f"Expected a box inside the picture of size {picture_size}. Received: box={box}")
    crop = square_around(box, context, picture_size)
    left, top, right, bottom = crop
    region = (
        max(math.floor(x0), left),
        max(math.floor(y0), top),
        min(math.ceil(x1), right),
        min(math.ceil(y1), bottom),
    )
    return Part(crop, _frame((bottom - top, right - left), model_size), region)


def cut_out(picture: np.ndarray, part: Part, model_size: tuple[int, int]) -> np.ndarray:
    """Returns what the model is given for a part.

    Args:
        picture: uint8 `(height, width, 3)`.
        part: of this picture.
        model_size: (height, width).

    Returns:
        uint8 `(*model_size, 3)`.
    """
    x0, y0, x1, y1 = part.crop
    left, top, right, bottom = part.frame
    inner = resize_image(picture[y0:y1, x0:x1], (bottom - top, right - left))
    around = ((top, model_size[0] - bottom), (left, model_size[1] - right), (0, 0))
    return np.pad(inner, around, mode="edge")


def put_back(picture: np.ndarray, parts: Sequence[Part], restored: Sequence[np.ndarray]) -> np.ndarray:
    """Returns the picture with the parts restored.

    Args:
        picture: uint8 `(height, width, 3)`; is not changed.
        parts: of this picture; where two overlap, the later one lies on top.
        restored: the model's answers, uint8 `(*model_size, 3)` each.

    Returns:
        uint8, of the picture's shape.
    """
    result = picture.copy()
    for part, answer in zip(parts, restored, strict=True):
        left, top, right, bottom = part.frame
        x0, y0, x1, y1 = part.crop
        enlarged = resize_image(answer[top:bottom, left:right], (y1 - y0, x1 - x0))
        if part.region is None:
            result[y0:y1, x0:x1] = enlarged
            continue
        rx0, ry0, rx1, ry1 = part.region
        result[ry0:ry1, rx0:rx1] = enlarged[ry0 - y0 : ry1 - y0, rx0 - x0 : rx1 - x0]
    return result


def _frame(size: tuple[int, int], model_size: tuple[int, int]) -> Rectangle:
    """Returns where a crop lies in what the model is given: as large as fits in its own proportions, in the middle."""
    scale = min(model_size[0] / size[0], model_size[1] / size[1])
    height, width = (min(max(round(side * scale), 1), outer) for side, outer in zip(size, model_size, strict=True))
    top, left = (model_size[0] - height) // 2, (model_size[1] - width) // 2
    return (left, top, left + width, top + height)
