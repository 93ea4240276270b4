"""One way to hide a face, with all its settings, applied to a photograph at its own resolution."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from keras_deid.boxes import Rectangle
from keras_deid.hiding import methods
from keras_deid.hiding.shapes import Shape, opacity

Method = Literal["mean", "sample", "shrink", "gaussian", "box_blur", "median", "motion", "scatter", "solid", "noise"]
METHODS: tuple[Method, ...] = (
    "mean",
    "sample",
    "shrink",
    "gaussian",
    "box_blur",
    "median",
    "motion",
    "scatter",
    "solid",
    "noise",
)


@dataclass(frozen=True)
class Hiding:
    """How a region is hidden.

    Attributes:
        method: see `keras_deid.hiding.methods`.
        strength: side of a block, standard deviation, or width of the kernel, in pixels; `"solid"` has none.
        shape: of the region.
        feather: width of its soft edge, in pixels.
        grid: whether blocks are counted from the region's or from the picture's upper left corner.
        phase: (x, y) by which the grid is moved, in blocks.
        filters: (shrinking, enlarging) for `"shrink"`.
        colour: RGB, for `"solid"`.
        angle: degrees, for `"motion"`.
        margin: pixels around the region that a blur takes in as well; a tool that blurs the crop alone has 0.
        seed: of what is drawn for `"noise"` and `"scatter"`.
    """

    method: Method
    strength: float = 1.0
    shape: Shape = "rectangle"
    feather: float = 0.0
    grid: Literal["region", "picture"] = "region"
    phase: tuple[float, float] = (0.0, 0.0)
    filters: tuple[str, str] = ("area", "nearest")
    colour: tuple[int, int, int] = (0, 0, 0)
    angle: float = 0.0
    margin: int = 0
    seed: int = 0


def hide(photograph: np.ndarray, region: Rectangle, hiding: Hiding) -> tuple[np.ndarray, np.ndarray]:
    """Hides a region of a photograph.

    Args:
        photograph: uint8 `(height, width, 3)`, RGB; is not changed.
        region: whole pixels, inside the photograph.
        hiding: how.

    Returns:
        The photograph, uint8 of the same shape, untouched outside the region; and the mask, float32 `(height, width)`:
        how much of each pixel is hidden, 0 outside the region.
    """
    x0, y0, x1, y1 = region
    changed = _change(photograph, region, hiding)
    alpha = opacity((y1 - y0, x1 - x0), hiding.shape, hiding.feather)
    hidden = photograph.copy()
    below = hidden[y0:y1, x0:x1]
    if hiding.feather > 0:
        below[:] = np.round(below + alpha[..., None] * (changed.astype(np.float32) - below)).astype(np.uint8)
    else:
        np.copyto(below, changed, where=alpha[..., None] > 0)
    mask = np.zeros(photograph.shape[:2], np.float32)
    mask[y0:y1, x0:x1] = alpha
    return hidden, mask


def _change(photograph: np.ndarray, region: Rectangle, hiding: Hiding) -> np.ndarray:
    x0, y0, x1, y1 = region
    pixels, strength = photograph[y0:y1, x0:x1], max(hiding.strength, 1.0)
    rng = np.random.default_rng(hiding.seed)
    match hiding.method:
        case "mean" | "sample":
            at = (0, 0) if hiding.grid == "region" else (-x0, -y0)
            start = at[0] + hiding.phase[0] * strength, at[1] + hiding.phase[1] * strength
            blocks = methods.block_means if hiding.method == "mean" else methods.block_samples
            return blocks(pixels, strength, start)
        case "shrink":
            return methods.shrink_and_enlarge(pixels, strength, *hiding.filters)
        case "solid":
            return methods.solid(pixels, hiding.colour)
        case "noise":
            return methods.noise(pixels, strength, rng)
    # Blurs may take in what lies around the region.
    height, width = photograph.shape[:2]
    left, top = max(x0 - hiding.margin, 0), max(y0 - hiding.margin, 0)
    around = photograph[top : min(y1 + hiding.margin, height), left : min(x1 + hiding.margin, width)]
    match hiding.method:
        case "gaussian":
            blurred = methods.gaussian(around, hiding.strength)
        case "box_blur":
            blurred = methods.box_blur(around, strength)
        case "median":
            blurred = methods.median(around, strength)
        case "motion":
            blurred = methods.motion_blur(around, strength, hiding.angle)
        case "scatter":
            blurred = methods.scatter(around, strength, rng)
        case _:
            raise ValueError(f"Expected a method of {METHODS}. Received: method={hiding.method!r}")
    return blurred[y0 - top : y1 - top, x0 - left : x1 - left]
