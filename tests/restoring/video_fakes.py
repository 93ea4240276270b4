"""A model and a locator whose answers can be told."""

import numpy as np

from keras_deid.restoring.region_sources import Located


class Negative:
    """A model whose answers can be told: the negative of what it sees."""

    name, identity, size, context, adds_detail = "negative", "0", (16, 16), 2.0, False

    def __init__(self):
        self.batches = []

    def restore(self, batch):
        assert batch.shape[1:] == (*self.size, 3) and batch.dtype == np.uint8
        self.batches.append(len(batch))
        return 255 - batch


def mark_red(picture):
    """A locator that finds what is red, in cells of 4 x 4 pixels."""
    red = (picture[..., 0] > 150) & (picture[..., 1] < 100)
    height, width = red.shape
    return red.reshape(height // 4, 4, width // 4, 4).mean(axis=(1, 3)).astype(np.float32)


def located(mark=mark_red):
    return Located(mark, "0")
