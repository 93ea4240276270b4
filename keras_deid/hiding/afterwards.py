"""Processing of a photograph after a face in it was hidden: shrinking, noise, compression."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np


@dataclass(frozen=True)
class Afterwards:
    """Processing of the whole photograph, in this order.

    Attributes:
        shrink: factor on width and height, in (0, 1].
        noise: standard deviation of the noise, in levels of 255.
        jpeg: quality, 1 to 100; None leaves the pixels as they are.
    """

    shrink: float = 1.0
    noise: float = 0.0
    jpeg: int | None = None

    def apply(self, photograph: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Returns the processed photograph.

        Args:
            photograph: uint8 `(height, width, 3)`, RGB.
            rng: draws the noise.
        """
        photograph = shrunk(photograph, self.shrink)
        if self.noise > 0:
            grain = rng.standard_normal(photograph.shape, np.float32) * self.noise
            photograph = np.clip(photograph + grain + 0.5, 0, 255).astype(np.uint8)
        if self.jpeg is not None:
            photograph = compressed(photograph, self.jpeg)
        return photograph


def shrunk(picture: np.ndarray, factor: float) -> np.ndarray:
    """Shrinks a picture or a mask by area means; a factor of 1 returns it unchanged."""
    if factor == 1.0:
        return picture
    height, width = (max(round(side * factor), 1) for side in picture.shape[:2])
    return cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA)


def compressed(picture: np.ndarray, quality: int) -> np.ndarray:
    """Compresses a picture as JPEG of this quality and decodes it, uint8 `(height, width, 3)`, RGB."""
    encoded = cv2.imencode(".jpg", picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    decoded = cv2.imdecode(encoded, cv2.IMREAD_COLOR)
    assert decoded is not None  # it was encoded just now
    return np.ascontiguousarray(decoded[..., ::-1])
