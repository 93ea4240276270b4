"""Pictures and plots as PNG files in memory, and small pictures enlarged so that their pixels can be seen."""

from __future__ import annotations

import io

import cv2
import numpy as np
from matplotlib.figure import Figure
from PIL import Image

# The shorter side, in pixels, that a small picture is enlarged to at least.
LEAST_SIDE = 160
# Okabe and Ito's colours, distinct for every kind of colour vision.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
_DPI = 160


def enlarged(picture: np.ndarray, least_side: int = LEAST_SIDE) -> np.ndarray:
    """Repeats pixels a whole number of times, until the shorter side has at least `least_side`: blocks stay sharp."""
    factor = max(1, -(-least_side // min(picture.shape[:2])))
    return cv2.resize(picture, None, fx=factor, fy=factor, interpolation=cv2.INTER_NEAREST)


def png(picture: np.ndarray) -> bytes:
    """Encodes uint8 `(height, width, 3)` as PNG."""
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "PNG")
    return file.getvalue()


def figure_png(figure: Figure) -> bytes:
    """Draws a Matplotlib figure as PNG."""
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=_DPI)
    return file.getvalue()
