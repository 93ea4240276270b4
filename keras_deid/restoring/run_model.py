"""The generator of a trained run in this process, without an export."""

from __future__ import annotations

import os

import numpy as np

from keras_deid.boxes import DEFAULT_CONTEXT
from keras_deid.config import load_config
from keras_deid.restoring.graphs import restoring_graph
from keras_deid.restoring.looks import Mark
from keras_deid.restoring.runtime import TENSORFLOW, Runtime, digest
from keras_deid.serving.model_card import adds_detail, training_context
from keras_deid.shipped import find_run


class RunModel:
    """A generator as Keras saved it; a `keras_deid.restoring.model.PictureModel`.

    Args:
        name_or_path: folder of a trained run, or the name of a run that comes with the package.
        runtime: what it runs on.

    Raises:
        UserError: if it is not a trained run.
    """

    def __init__(self, name_or_path: str | os.PathLike[str], runtime: Runtime = TENSORFLOW) -> None:
        folder = find_run(name_or_path)
        self.identity = digest(folder / "generator.keras")
        self._network = runtime.load(self.identity, restoring_graph, folder)
        config = load_config(folder / "config.yaml")
        self.name = config.name
        _, height, width, _ = self._network.input_shape
        assert height is not None and width is not None
        self.size: tuple[int, int] = (height, width)
        self.context = training_context(config) or DEFAULT_CONTEXT
        self.mark: Mark | None = None
        self.adds_detail = adds_detail(config)

    def restore(self, pictures: np.ndarray) -> np.ndarray:
        """Restores pictures, uint8 `(batch, *size, 3)`."""
        return self._network(pictures)
