"""The locator of a trained run in this process, without an export."""

from __future__ import annotations

import hashlib
import os

import numpy as np
import tensorflow as tf

from keras_deid.models.pixels import to_signed
from keras_deid.models.saved import load_locator
from keras_deid.shipped import find_run


class RunLocator:
    """A locator as Keras saved it; its `mark` is what `keras_deid.restoring.locate.find_regions` takes.

    Args:
        name_or_path: folder of a trained run, or the name of a run that comes with the package.

    Attributes:
        identity: differs between locators.

    Raises:
        UserError: if it is not a trained locator.
    """

    def __init__(self, name_or_path: str | os.PathLike[str]) -> None:
        network = load_locator(name_or_path)
        self.identity = hashlib.sha256((find_run(name_or_path) / "locator.keras").read_bytes()).hexdigest()
        self._mark = tf.function(
            lambda picture: tf.sigmoid(network(to_signed(picture), training=False)),
            input_signature=[tf.TensorSpec((1, None, None, 3), tf.uint8)],
        )

    def mark(self, picture: np.ndarray) -> np.ndarray:
        """Returns the probability of being hidden, float32 `(height / 4, width / 4)`.

        Args:
            picture: uint8 `(height, width, 3)`, RGB; sides are multiples of 32.
        """
        return self._mark(picture[None]).numpy()[0, ..., 0]
