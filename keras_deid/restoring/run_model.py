"""The generator of a trained run in this process, without an export."""

from __future__ import annotations

import hashlib
import os

import numpy as np
import tensorflow as tf

from keras_deid.boxes import DEFAULT_CONTEXT
from keras_deid.config import load_config
from keras_deid.models.pixels import to_signed, to_uint8
from keras_deid.models.saved import load_generator
from keras_deid.restoring.locate import Mark
from keras_deid.serving.model_card import adds_detail, training_context
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
        generator = load_generator(folder)
        config = load_config(folder / "config.yaml")
        self.name = config.name
        self.identity = hashlib.sha256((folder / "generator.keras").read_bytes()).hexdigest()
        _, height, width, _ = generator.input_shape
        self.size: tuple[int, int] = (height, width)
        self.context = training_context(config) or DEFAULT_CONTEXT
        self.mark: Mark | None = None
        self.adds_detail = adds_detail(config)
        self._restore = tf.function(
            lambda pictures: to_uint8(generator(to_signed(pictures), training=False)),
            input_signature=[tf.TensorSpec((None, height, width, 3), tf.uint8)],
        )

    def restore(self, pictures: np.ndarray) -> np.ndarray:
        """Restores pictures, uint8 `(batch, *size, 3)`."""
        return self._restore(pictures).numpy()
