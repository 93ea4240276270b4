"""The best networks of a run, as other commands load them: `generator.keras` and `discriminator.keras`."""

from __future__ import annotations

from pathlib import Path

import keras

from keras_deid.atomic import whole_file
from keras_deid.config import Config
from keras_deid.training.networks import build_discriminator, build_restorer


class SavedNetworks:
    """Writes the restorer and D in float32, whatever they are trained in, each file whole or not at all.

    Args:
        run: the run's folder.
        config: of the run.
    """

    def __init__(self, run: Path, config: Config) -> None:
        policy = keras.mixed_precision.dtype_policy()
        keras.mixed_precision.set_dtype_policy("float32")
        self._networks = {
            run / "generator.keras": build_restorer(config),
            run / "discriminator.keras": build_discriminator(config),
        }
        keras.mixed_precision.set_dtype_policy(policy)

    def save(self, restorer: keras.Model, discriminator: keras.Model) -> None:
        """Saves the weights of both."""
        for (path, saved), network in zip(self._networks.items(), (restorer, discriminator), strict=True):
            saved.set_weights(network.get_weights())
            with whole_file(path) as partial:
                saved.save(partial)
