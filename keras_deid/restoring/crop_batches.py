"""Crops through a model, a batch at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice

import numpy as np

from keras_deid.restoring.model import PictureModel

BATCH_SIZE = 32
"""Crops that the model restores at a time."""


def restore_crops(model: PictureModel, crops: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
    """Yields the answers to any number of crops, uint8 `(*model.size, 3)` each.

    Crops are taken for one batch, and for the next one only after its answers.
    """
    waiting = iter(crops)
    while batch := list(islice(waiting, BATCH_SIZE)):
        yield from model.restore(np.stack(batch))
