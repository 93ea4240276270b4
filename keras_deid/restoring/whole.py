"""A whole picture as a model's input, the paper's way: fitted into the model's size, and brought back to its own."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from keras_deid.data.images import ImageError, resize_image

MOST_SHRUNK = 4.0
"""A picture that would be shrunk more than this loses what there is to restore."""


def fit_into(picture: np.ndarray, model_size: tuple[int, int]) -> np.ndarray:
    """Returns a picture in its own proportions in the middle of the model's size, its edge repeated around it.

    Args:
        picture: uint8 `(height, width, 3)`.
        model_size: (height, width).

    Returns:
        uint8 `(*model_size, 3)`.
    """
    left, top, right, bottom = _frame(picture.shape[:2], model_size)
    inner = resize_image(picture, (bottom - top, right - left))
    return np.pad(inner, ((top, model_size[0] - bottom), (left, model_size[1] - right), (0, 0)), mode="edge")


def fit_back(answer: np.ndarray, picture_size: tuple[int, int]) -> np.ndarray:
    """Undoes `fit_into`: returns uint8 `(*picture_size, 3)` from the model's answer."""
    left, top, right, bottom = _frame(picture_size, answer.shape[:2])
    return resize_image(answer[top:bottom, left:right], picture_size)


def check_fits(source: Path, picture_size: tuple[int, int], model_size: tuple[int, int]) -> None:
    """Refuses pictures that a small model would turn into a blur.

    Raises:
        ImageError: if the picture would be shrunk more than `MOST_SHRUNK` times.
    """
    shrunk = max(picture_size[0] / model_size[0], picture_size[1] / model_size[1])
    if shrunk > MOST_SHRUNK:
        height, width = picture_size
        raise ImageError(
            source,
            f"{width} x {height} pixels would be shrunk {shrunk:.1f} times for a model of "
            f"{model_size[1]} x {model_size[0]}",
            mend="leave --whole out, or shrink the picture first",
        )


def _frame(size: tuple[int, int], model_size: tuple[int, int]) -> tuple[int, int, int, int]:
    """Returns where a picture lies in what the model is given: as large as fits, in the middle."""
    scale = min(model_size[0] / size[0], model_size[1] / size[1])
    height, width = (min(max(round(side * scale), 1), outer) for side, outer in zip(size, model_size, strict=True))
    top, left = (model_size[0] - height) // 2, (model_size[1] - width) // 2
    return (left, top, left + width, top + height)
