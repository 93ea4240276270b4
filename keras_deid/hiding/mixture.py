"""The mixture that training draws from: methods, shapes, strengths and later processing, as in real photographs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from keras_deid.boxes import Box, Rectangle
from keras_deid.hiding.afterwards import Afterwards
from keras_deid.hiding.hiding import METHODS, Hiding
from keras_deid.hiding.methods import OPENCV_FILTERS, PILLOW_FILTERS
from keras_deid.hiding.region import region_around

DEFAULT_WEIGHTS: dict[str, float] = {
    "mean": 0.14,
    "sample": 0.18,
    "shrink": 0.16,
    "gaussian": 0.10,
    "box_blur": 0.16,
    "median": 0.07,
    "motion": 0.02,
    "scatter": 0.02,
    "solid": 0.13,
    "noise": 0.02,
}
"""How often each method is drawn, as relative weights."""

_STRENGTHS: dict[str, tuple[float, float]] = {
    "mean": (0.05, 0.42),
    "sample": (0.05, 0.40),
    "shrink": (0.05, 0.42),
    "gaussian": (0.07, 0.40),
    "box_blur": (0.20, 0.95),
    "median": (0.20, 0.60),
    "motion": (0.35, 1.00),
    "scatter": (0.10, 0.40),
    "solid": (0.10, 0.10),
    "noise": (0.01, 0.30),
}
"""Range of each method's strength in widths of the face; drawn uniformly, so that strong ways to hide are common."""
_BLOCKS = ("mean", "sample")
_BLOCK_PIXELS = (5, 8, 10, 12, 15, 16, 20, 24, 25, 30)
"""Block sizes that tools offer, in pixels of the photograph."""
_FINEST = 0.03
"""Least such block, in widths of the face."""
_SCALES = (1.0, 1.8)
_OFFSET = 0.12


@dataclass(frozen=True)
class Draw:
    """A draw for one face: where and how it is hidden, and how the photograph is processed afterwards."""

    region: Rectangle
    hiding: Hiding
    afterwards: Afterwards


def draw(
    face: Box, picture_size: tuple[int, int], rng: np.random.Generator, weights: Mapping[str, float] = DEFAULT_WEIGHTS
) -> Draw:
    """Draws a way to hide a face.

    Args:
        face: its box, pixels of the photograph.
        picture_size: (height, width) of the photograph.
        rng: the only source of randomness.
        weights: how often each of `METHODS` is drawn; methods without a weight are never drawn.

    Raises:
        ValueError: if a method is unknown, a weight is negative, or all are 0.
    """
    method = _pick_method(weights, rng)
    width = max(face[2] - face[0], 1.0)
    region = region_around(face, rng.uniform(*_SCALES), picture_size, tuple(rng.uniform(-_OFFSET, _OFFSET, 2)))
    longest = max(region[2] - region[0], region[3] - region[1])
    strength = rng.uniform(*_STRENGTHS[method]) * width
    if method in _BLOCKS:
        if rng.random() < 0.35:
            fitting = [block for block in _BLOCK_PIXELS if _FINEST * width <= block <= 0.5 * width]
            strength = float(rng.choice(fitting)) if fitting else strength
        elif rng.random() < 0.7:
            strength = float(max(round(strength), 2))
    if method == "noise":
        strength = max(strength, 1.0)
    shape = str(rng.choice(("rectangle", "ellipse", "rounded"), p=(0.55, 0.35, 0.10)))
    soft = method not in (*_BLOCKS, "noise") and rng.random() < 0.2
    hiding = Hiding(
        method=method,  # type: ignore[arg-type]
        strength=min(strength, longest),
        shape=shape,  # type: ignore[arg-type]
        feather=float(rng.uniform(0.02, 0.12) * longest) if soft else 0.0,
        grid="picture" if rng.random() < 0.4 else "region",
        phase=(float(rng.random()), float(rng.random())) if rng.random() < 0.3 else (0.0, 0.0),
        filters=_draw_filters(rng),
        colour=_draw_colour(rng),
        angle=float(rng.uniform(0, 180)),
        margin=round(strength * 1.5) if rng.random() < 0.4 else 0,
        seed=int(rng.integers(2**31)),
    )
    return Draw(region, hiding, _draw_afterwards(rng))


def _pick_method(weights: Mapping[str, float], rng: np.random.Generator) -> str:
    unknown = sorted(set(weights) - set(METHODS))
    total = sum(weights.values())
    if unknown or not total > 0 or min(weights.values()) < 0:
        raise ValueError(f"Expected weights >= 0, not all 0, of {METHODS}. Received: {dict(weights)}")
    names = list(weights)
    return str(rng.choice(names, p=np.array([weights[name] for name in names]) / total))


def _draw_filters(rng: np.random.Generator) -> tuple[str, str]:
    shrink = "linear" if rng.random() < 0.4 else str(rng.choice((*OPENCV_FILTERS, *PILLOW_FILTERS)))  # OpenCV's default
    enlarge = "nearest" if rng.random() < 0.65 else str(rng.choice(("linear", "cubic", "bicubic")))
    return shrink, enlarge


def _draw_colour(rng: np.random.Generator) -> tuple[int, int, int]:
    kind = rng.random()
    if kind < 0.55:
        return (0, 0, 0)
    if kind < 0.65:
        return (255, 255, 255)
    if kind < 0.8:
        grey = int(rng.integers(256))
        return (grey, grey, grey)
    red, green, blue = (int(level) for level in rng.integers(0, 256, 3))
    return (red, green, blue)


def _draw_afterwards(rng: np.random.Generator) -> Afterwards:
    return Afterwards(
        shrink=float(rng.uniform(0.5, 1.0)) if rng.random() < 0.25 else 1.0,
        noise=float(rng.uniform(0.5, 5.0)) if rng.random() < 0.15 else 0.0,
        jpeg=int(rng.integers(35, 98)) if rng.random() < 0.6 else None,
    )
