"""The two networks of restoring, noting what they are given."""

from __future__ import annotations

import time

import numpy as np

from keras_deid.restoring.looks import Mark
from keras_deid.restoring.model import PictureModel


class Heard:
    """A restorer and a locator; a `keras_deid.restoring.model.PictureModel`.

    Attributes:
        crops: what the restorer was given.
        pictures: what the locator was given.
    """

    def __init__(self, model: PictureModel, mark: Mark) -> None:
        self._model, self._mark = model, mark
        self.name, self.identity, self.size, self.context = model.name, model.identity, model.size, model.context
        self.adds_detail, self.mark = model.adds_detail, model.mark
        self.crops: list[np.ndarray] = []
        self.pictures: list[np.ndarray] = []

    def restore(self, pictures: np.ndarray) -> np.ndarray:
        """Restores uint8 `(batch, *size, 3)`."""
        self.crops.append(pictures)
        return self._model.restore(pictures)

    def look(self, picture: np.ndarray) -> np.ndarray:
        """Marks what is hidden, see `keras_deid.restoring.looks.Mark`."""
        self.pictures.append(picture)
        return self._mark(picture)

    def seconds(self) -> tuple[float, float]:
        """Returns the processor seconds that the locator and the restorer take for what they were given so far."""
        times = [time.process_time()]
        for picture in self.pictures:
            self._mark(picture)
        times.append(time.process_time())
        for crops in self.crops:
            self._model.restore(crops)
        times.append(time.process_time())
        return times[1] - times[0], times[2] - times[1]
