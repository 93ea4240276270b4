"""What the stand-in refuses before it costs anything."""

from __future__ import annotations

import io
import math
from dataclasses import dataclass

import numpy as np
from PIL import Image

from keras_deid.serving.stand_in.errors import RequestError

# What the exported graph decodes.
_FORMATS = ("PNG", "JPEG", "GIF", "BMP", "WEBP")


@dataclass(frozen=True)
class Limits:
    """Limits of a request.

    Attributes:
        body: bytes, also after it is unpacked.
        pixels: of a picture, by what its header says; the exported graph has a limit of its own as well.
        seconds: time that a client has to send its request.
        idle_seconds: time that may pass between two parts of a request.
    """

    body: int = 64 * 2**20
    pixels: int = 32_000_000
    seconds: float = 60.0
    idle_seconds: float = 5.0

    def check_pictures(self, name: str, array: np.ndarray) -> None:
        """Sees whether the pictures in an array of strings are small enough; others than pictures pass.

        Raises:
            RequestError: if one is too large.
        """
        for content in array.ravel() if array.dtype == object else ():
            if _pixels(content) > self.pixels:
                raise RequestError(400, f"Input {name!r}: a picture has more than {self.pixels} pixels")


def _pixels(content: bytes) -> float:
    try:
        with Image.open(io.BytesIO(content), formats=_FORMATS) as picture:
            return picture.width * picture.height
    except Image.DecompressionBombError:
        return math.inf
    except Exception:  # the graph says what is wrong with it
        return 0
