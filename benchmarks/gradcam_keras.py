"""Ours: the maps of a run as the attention report takes them."""

# ruff: noqa: E402

from __future__ import annotations

from pathlib import Path

from keras_deid.cli.start_tensorflow import start_tensorflow

start_tensorflow()

import numpy as np
import tensorflow as tf

from benchmarks.turns import rate
from keras_deid.config import Config, DataConfig
from keras_deid.explain.maps import Explainer, enlarge
from keras_deid.explain.networks import load_network, weights_for
from keras_deid.explain.pictures import load_pictures
from keras_deid.explain.targets import TARGETS
from keras_deid.models.pixels import to_signed


class Contestant:
    """The composed network of a run, and some drawn scenes.

    Args:
        run: folder with `generator.keras` and `discriminator.keras`.
        config: of the run.
        threads: threads within and between operations.
        batch: how many scenes.
    """

    def __init__(self, run: Path, config: Config, threads: int, batch: int) -> None:
        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(threads)
        self._chain = load_network(run).chain
        scenes = DataConfig.model_validate({"image_size": config.data.image_size, "synthetic": {"test": batch}})
        shown = load_pictures(config.model_copy(update={"data": scenes}), "test", batch)
        self._x = np.asarray(to_signed(shown.x))
        self._explain = Explainer(self._chain.model, self._chain.layers)
        self._weights = weights_for(self._chain, TARGETS["real"], shown.mask)
        self._size = shown.size

    def layers(self) -> list[str]:
        """Returns the names of the layers that are explained."""
        return list(self._chain.layers)

    def weights(self) -> tuple[list[np.ndarray], list[np.ndarray]]:
        """Returns the weights of G and of D."""
        return self._chain.generator.get_weights(), self._chain.discriminator.get_weights()

    def pictures(self) -> np.ndarray:
        """Returns the scenes, de-identified: float32 `(batch, height, width, 3)` in [-1, 1]."""
        return self._x

    def maps(self) -> list[np.ndarray]:
        """Returns each layer's maps, float32 `(batch, rows, columns)`."""
        return list(self._explain(self._x, self._weights).values())

    def rate(self, seconds: float) -> float:
        """Takes maps for so many seconds and returns images per second."""
        return rate(lambda: [enlarge(maps, self._size) for maps in self.maps()], len(self._x), seconds)
