"""Restores pictures that a Python program holds in memory."""

from __future__ import annotations

import os
from collections.abc import Iterable

import numpy as np

from keras_deid.data.boxes import Box
from keras_deid.errors import UserError
from keras_deid.restoring.parts import restore_parts
from keras_deid.restoring.regions import cut_out, part_around, put_back, whole_picture
from keras_deid.restoring.run_model import RunModel


class Restorer:
    """Restores de-identified faces in pictures of any size.

    What it paints is invented: see "Use and misuse" in the README.

    Args:
        name_or_path: folder of a trained run, or the name of a run that comes with the package, such as
            `"street64_blocks"`.

    Raises:
        UserError: if it is not a trained run.

    Example:
        >>> from keras_deid import Restorer
        >>> from keras_deid.synthetic import draw_scene
        >>> scene = draw_scene(seed=7, size=128)
        >>> x0, y0, x1, y1 = scene.box.astype(int)
        >>> picture = scene.image.copy()
        >>> picture[y0:y1, x0:x1] = 128  # hides the face
        >>> restored = Restorer("street64_blocks").restore(picture, boxes=[(x0, y0, x1, y1)])
        >>> restored.shape, restored.dtype
        ((128, 128, 3), dtype('uint8'))
        >>> bool((restored[y1:] == picture[y1:]).all())  # what lies outside of the boxes stays as it is
        True
    """

    def __init__(self, name_or_path: str | os.PathLike[str]) -> None:
        self._model = RunModel(name_or_path)

    def restore(self, image: np.ndarray, boxes: Iterable[Box] | None = None) -> np.ndarray:
        """Restores a picture.

        Args:
            image: uint8 `(height, width, 3)`, RGB; is not changed.
            boxes: the de-identified regions, (x0, y0, x1, y1) in pixels; only they change. Without boxes the whole
                picture is the model's input.

        Returns:
            uint8 `(height, width, 3)`, RGB.

        Raises:
            UserError: if `image` is not such an array, or a box lies outside of it.
        """
        picture = np.asarray(image)
        if picture.ndim != 3 or picture.shape[-1] != 3 or picture.dtype != np.uint8:
            raise UserError(f"image: expected uint8 (height, width, 3), received {picture.dtype} {picture.shape}")
        size, model = picture.shape[:2], self._model
        if boxes is None:
            parts = [whole_picture(size, model.size)]
        else:
            try:
                parts = [part_around(box, model.context, size, model.size) for box in boxes]
            except ValueError as error:
                raise UserError(f"boxes: {error}") from error
        return put_back(picture, parts, restore_parts(model, [cut_out(picture, part, model.size) for part in parts]))
