"""Maps laid over pictures on one common scale, and what a page shows beside them."""

from __future__ import annotations

from collections.abc import Iterable

import cv2
import matplotlib
import numpy as np
from matplotlib.figure import Figure

from keras_deid.report.images import enlarged, figure_png

# Perceptually even, readable in grey and with any colour vision (Nuñez et al., 2018, doi 10.1371/journal.pone.0199239).
COLOUR_MAP = "cividis"
# The brightest colour of overlays stands for at least this multiple of a flat map.
LEAST_TOP = 3.0


def relative_to_flat(attention: np.ndarray) -> np.ndarray:
    """Divides a map by its mean: 1.0 is what a flat map has everywhere. A zero map stays zero."""
    mean = attention.mean()
    return attention / mean if mean > 0 else attention


def common_top(maps: Iterable[np.ndarray]) -> float:
    """Chooses the value that has the brightest colour in all overlays of a page.

    Args:
        maps: float arrays of any shapes, in multiples of the flat fraction.

    Returns:
        the 95th percentile of all their values, rounded up; at least `LEAST_TOP`.
    """
    values = [one.ravel() for one in maps]
    if not values:
        return LEAST_TOP
    return max(LEAST_TOP, float(np.ceil(np.percentile(np.concatenate(values), 95))))


def overlay(picture: np.ndarray, attention: np.ndarray, top: float) -> np.ndarray:
    """Lays a map over the grey picture.

    Args:
        picture: uint8 `(height, width, 3)`.
        attention: float `(height, width)`, in multiples of the flat fraction.
        top: the multiple from which on the colour is the brightest.

    Returns:
        uint8, the picture's shape.
    """
    colours = matplotlib.colormaps[COLOUR_MAP](np.clip(attention / top, 0, 1))[..., :3] * 255
    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)[..., None].astype(np.float64)
    return np.round(0.4 * grey + 0.6 * colours).astype(np.uint8)


def coloured(values: np.ndarray) -> np.ndarray:
    """Paints values from their least to their greatest: uint8 `(height, width, 3)`; constants in the middle colour."""
    low, spread = values.min(), np.ptp(values)
    scaled = (values - low) / spread if spread > 0 else np.full_like(values, 0.5)
    return np.round(matplotlib.colormaps[COLOUR_MAP](scaled)[..., :3] * 255).astype(np.uint8)


def outlined(picture: np.ndarray, region: np.ndarray) -> np.ndarray:
    """Enlarges a picture by a whole factor and draws the border of a region on it, white on black."""
    large, inside = enlarged(picture).copy(), enlarged(region.astype(np.uint8))
    borders, _ = cv2.findContours(inside, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    cv2.drawContours(large, borders, -1, (0, 0, 0), 3)
    cv2.drawContours(large, borders, -1, (255, 255, 255), 1)
    return large


def scale_bar(top: float) -> bytes:
    """Draws the colours of `overlay` with their numbers, as PNG."""
    figure = Figure(figsize=(4.2, 0.7), layout="constrained")
    axes = figure.add_subplot()
    norm = matplotlib.colors.Normalize(0, top)
    figure.colorbar(
        matplotlib.cm.ScalarMappable(norm, COLOUR_MAP),
        cax=axes,
        orientation="horizontal",
        label="times the flat fraction",
        extend="max",
    )
    axes.axvline(1, color="white", linewidth=2)
    return figure_png(figure)
