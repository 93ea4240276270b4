"""Restores pictures that a Python program holds in memory."""

from __future__ import annotations

import os
from collections.abc import Iterable

import numpy as np

from keras_deid.boxes import Box
from keras_deid.errors import UserError
from keras_deid.restoring.found import Region, given_region
from keras_deid.restoring.locate import THRESHOLD, find_regions
from keras_deid.restoring.looks import Mark
from keras_deid.restoring.repair import restore_regions
from keras_deid.restoring.run_locator import RunLocator
from keras_deid.restoring.run_model import RunModel
from keras_deid.restoring.runtime import choose_runtime
from keras_deid.shipped import DEFAULT_RUN, LOCATOR_RUN


class Restorer:
    """Restores de-identified faces in pictures of any size.

    What it paints is invented: see "Use and misuse" in the README.

    Args:
        name_or_path: folder of a trained run, or the name of a run that comes with the package.
        locator: the same of the locator; it is loaded when it is first asked for.
        runtime: "openvino", "tensorflow", or "auto", which takes OpenVINO if it is installed.
        precision: "float32", "bfloat16" (OpenVINO), or "auto", the faster one.

    Raises:
        UserError: if it is not a trained run, or the runtime cannot be had.

    Example:
        >>> from keras_deid import Restorer
        >>> from keras_deid.synthetic import draw_scene
        >>> scene = draw_scene(seed=7, size=128)
        >>> x0, y0, x1, y1 = scene.box.astype(int)
        >>> picture = scene.image.copy()
        >>> picture[y0:y1, x0:x1] = 128  # hides the face
        >>> restored = Restorer().restore(picture, boxes=[(x0, y0, x1, y1)])
        >>> restored.shape, restored.dtype
        ((128, 128, 3), dtype('uint8'))
        >>> bool((restored[y1:] == picture[y1:]).all())  # what lies outside of the boxes stays as it is
        True
    """

    def __init__(
        self,
        name_or_path: str | os.PathLike[str] = DEFAULT_RUN,
        locator: str | os.PathLike[str] = LOCATOR_RUN,
        runtime: str = "auto",
        precision: str = "auto",
    ) -> None:
        self._runtime = choose_runtime(runtime, precision)
        self._model = RunModel(name_or_path, self._runtime)
        self._locator = locator
        self._mark: Mark | None = None

    def find(self, image: np.ndarray, threshold: float = THRESHOLD) -> list[Region]:
        """Finds the hidden regions of a picture.

        Args:
            image: uint8 `(height, width, 3)`, RGB.
            threshold: least score, in (0, 1).

        Returns:
            The regions with their `box`, `score` and `opacity`, the surest first.

        Raises:
            UserError: if `image` is not such an array.
        """
        if self._mark is None:
            self._mark = RunLocator(self._locator, self._runtime).mark
        return find_regions(self._mark, _checked(image), threshold)

    def restore(self, image: np.ndarray, boxes: Iterable[Box] | None = None) -> np.ndarray:
        """Restores a picture.

        Args:
            image: uint8 `(height, width, 3)`, RGB; is not changed.
            boxes: the hidden regions, (x0, y0, x1, y1) in pixels; without them the locator finds the regions.

        Returns:
            uint8 `(height, width, 3)`, RGB: outside the regions the same pixels.

        Raises:
            UserError: if `image` is not such an array, or a box lies outside of it.
        """
        picture = _checked(image)
        if boxes is None:
            regions = self.find(picture)
        else:
            try:
                regions = [given_region(box, picture.shape[:2]) for box in boxes]
            except ValueError as error:
                raise UserError(f"boxes: {error}") from error
        return restore_regions(self._model, [picture], [regions])[0].copy()


def _checked(image: np.ndarray) -> np.ndarray:
    picture = np.asarray(image)
    if picture.ndim != 3 or picture.shape[-1] != 3 or picture.dtype != np.uint8:
        raise UserError(f"image: expected uint8 (height, width, 3), received {picture.dtype} {picture.shape}")
    return picture
