"""Where a map lies, in numbers: against the de-identified region, and against the person."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

NAN = float("nan")


@dataclass(frozen=True)
class Localisation:
    """How well a map keeps to a region. All NaN where the map is zero everywhere, or the region empty.

    Attributes:
        energy: fraction of the map's sum that lies in the region, divided by the region's fraction of the picture: 1.0
            is a flat map, above it the map prefers the region.
        pointing: 1 if the map's maximum lies in the region, 0 if not; where several pixels share the maximum, the
            fraction of them. Zhang et al., 2018 (arXiv 1608.00507), without their tolerance.
        top_iou: intersection over union of the region and as many pixels, those where the map is highest.
    """

    energy: float
    pointing: float
    top_iou: float


METRICS = ("energy", "pointing", "top_iou")
NOTHING = Localisation(NAN, NAN, NAN)


def localise(attention: np.ndarray, region: np.ndarray, without: np.ndarray | None = None) -> Localisation:
    """Measures a map against a region.

    Args:
        attention: float `(height, width)`, >= 0.
        region: `(height, width)`, not 0 inside.
        without: the same, what is cut out of picture, map and region before anything is measured.
    """
    left = slice(None) if without is None else np.asarray(without) == 0
    inside = (np.asarray(region) != 0)[left]
    values = np.asarray(attention, np.float64)[left]
    if not values.any() or not inside.any():
        return NOTHING
    return Localisation(
        energy=float(values[inside].sum() / values.sum() / inside.mean()),
        pointing=float(inside[values == values.max()].mean()),
        top_iou=_iou(highest(values, int(inside.sum())), inside),
    )


def highest(values: np.ndarray, count: int) -> np.ndarray:
    """Marks the `count` highest values, bool, the shape of `values`; of equal ones those that come first."""
    marked = np.zeros(values.size, bool)
    marked[np.argsort(-values, axis=None, kind="stable")[:count]] = True
    return marked.reshape(values.shape)


def _iou(one: np.ndarray, other: np.ndarray) -> float:
    return float((one & other).sum() / (one | other).sum())
