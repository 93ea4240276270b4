"""Photographs of a split with their faces, at their own resolution, in memory."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from keras_deid.config import DataConfig
from keras_deid.data.sources import ORIGINAL_CHANNELS, no_pictures, open_source
from keras_deid.errors import UserError

DRAWN_SCALE = 2
"""Drawn scenes have no resolution of their own: they are drawn so many times as large as the networks' pictures."""


@dataclass(frozen=True)
class Photograph:
    """A photograph, or a part of one, as it is stored.

    Attributes:
        path: what names it.
        pixels: uint8 `(height, width, 3)`, RGB.
        faces: float32 `(faces, 4)`, boxes in pixels, the face that the example is about first.
    """

    path: str
    pixels: np.ndarray
    faces: np.ndarray


def load_photographs(data: DataConfig, split: str) -> list[Photograph]:
    """Reads all photographs of a split.

    Args:
        data: where they are; a prepared data set or drawn scenes.
        split: `"train"`, `"val"` or `"test"`.

    Raises:
        UserError: if the data cannot be opened or read, are pairs, or the split is empty.
    """
    if data.source not in ("prepared", "synthetic"):
        raise UserError(f"data.source={data.source}: expected photographs (prepared or synthetic)")
    height, width = data.image_size
    source = open_source(data, (DRAWN_SCALE * height, DRAWN_SCALE * width))
    photographs = [
        Photograph(example.path, np.ascontiguousarray(example.picture[..., :ORIGINAL_CHANNELS]), example.boxes)
        for example in source.read(split)
    ]
    if not photographs:
        raise UserError(no_pictures(data, split, "lower the fractions"))
    return photographs
