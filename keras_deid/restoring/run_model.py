"""The generator of a trained run in this process, without an export."""

from __future__ import annotations

import hashlib
import os

import keras
import numpy as np

from keras_deid.config import load_config
from keras_deid.data.boxes import DEFAULT_CONTEXT
from keras_deid.models.pixels import to_signed, to_uint8
from keras_deid.models.saved import load_generator
from keras_deid.serving.model_card import training_context
from keras_deid.shipped import find_run


class RunModel:
    """A generator as Keras saved it; a `keras_deid.restoring.model.PictureModel`.

    Args:
        name_or_path: folder of a trained run, or the name of a run that comes with the package.

    Raises:
        UserError: if it is not a trained run.
    """

    def __init__(self, name_or_path: str | os.PathLike[str]) -> None:
        folder = find_run(name_or_path)
        self._generator = load_generator(folder)
        config = load_config(folder / "config.yaml")
        self.name = config.name
        self.identity = hashlib.sha256((folder / "generator.keras").read_bytes()).hexdigest()
        _, height, width, _ = self._generator.input_shape
        self.size: tuple[int, int] = (height, width)
        self.context = training_context(config) or DEFAULT_CONTEXT

    def restore(self, pictures: np.ndarray) -> np.ndarray:
        """Restores pictures, uint8 `(batch, *size, 3)`."""
        restored = self._generator(to_signed(pictures), training=False)
        return keras.ops.convert_to_numpy(to_uint8(restored))
