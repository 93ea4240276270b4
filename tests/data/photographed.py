"""Photographs in memory, as the batches of the locator and of the restorer take them."""

import numpy as np

from keras_deid.data.photographs import Photograph


def photograph(number=0, face=(60, 40, 100, 92), size=(160, 200), others=()):
    """Noise, so that whatever is hidden changes, with a face."""
    pixels = np.random.default_rng(number).integers(0, 256, (*size, 3), np.uint8)
    return Photograph(f"{number:03d}", pixels, np.float32([face, *others]))


def placed(face=(60, 40, 100, 92), size=(160, 200)):
    """A photograph whose pixels say where they are: x in red, y in green."""
    y, x = np.mgrid[: size[0], : size[1]].astype(np.uint8)
    return Photograph("placed", np.ascontiguousarray(np.dstack([x, y, np.zeros_like(x)])), np.float32([face]))
