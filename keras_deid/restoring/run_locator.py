"""The locator of a trained run in this process, without an export."""

from __future__ import annotations

import os

import numpy as np

from keras_deid.restoring.graphs import locating_graph
from keras_deid.restoring.runtime import TENSORFLOW, Runtime, digest
from keras_deid.shipped import find_run


class RunLocator:
    """A locator as Keras saved it; its `mark` is what `keras_deid.restoring.locate.find_regions` takes.

    Args:
        name_or_path: folder of a trained run, or the name of a run that comes with the package.
        runtime: what it runs on.

    Attributes:
        identity: differs between locators.

    Raises:
        UserError: if it is not a trained locator.
    """

    def __init__(self, name_or_path: str | os.PathLike[str], runtime: Runtime = TENSORFLOW) -> None:
        folder = find_run(name_or_path)
        self.identity = digest(folder / "locator.keras")
        self._network = runtime.load(self.identity, locating_graph, folder)

    def mark(self, picture: np.ndarray) -> np.ndarray:
        """Returns the probability of being hidden, float32 `(height / 4, width / 4)`.

        Args:
            picture: uint8 `(height, width, 3)`, RGB; sides are multiples of 32.
        """
        return self._network(picture[None])[0]
