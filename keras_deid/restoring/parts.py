"""What pictures and videos have in common when they are restored: parts from boxes, and the model on many parts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from keras_deid.data.boxes import Box
from keras_deid.data.images import ImageError
from keras_deid.restoring.model import PictureModel
from keras_deid.restoring.regions import Part, part_around

BATCH_SIZE = 32
"""Parts that the model restores at a time."""


def listed_part(source: Path, box: Box, size: tuple[int, int], model: PictureModel) -> Part:
    """Returns the part of a picture that restores a box from a file.

    Args:
        source: file of the picture, for the error.
        box: pixels.
        size: (height, width) of the picture.
        model: what restores.

    Raises:
        ImageError: if the box lies outside of the picture.
    """
    try:
        return part_around(box, model.context, size, model.size)
    except ValueError as error:
        height, width = size
        corners = ",".join(f"{edge:g}" for edge in box)
        raise ImageError(source, f"the box {corners} lies outside of its {width} x {height} pixels") from error


def restore_parts(model: PictureModel, inputs: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Restores any number of parts, uint8 `(*model.size, 3)` each."""
    answers: list[np.ndarray] = []
    for start in range(0, len(inputs), BATCH_SIZE):
        answers.extend(model.restore(np.stack(inputs[start : start + BATCH_SIZE])))
    return answers
