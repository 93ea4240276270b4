"""Where a map lies, in numbers: against the de-identified region, and against the person."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.stats import rankdata  # type: ignore[import-untyped]

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
        separation: how well the map's values tell the region from what surrounds it: the area under the receiver
            operating characteristic, in [0, 1]. It is the probability that the map is higher at a pixel of the region
            than at one outside of it, where equal values count half: 0.5 is a flat map, 1 one that is higher on the
            whole region, 0 one that is lower. The scale of the map and a constant added to it do not matter. NaN where
            the region is the whole picture. Hanley and McNeil, 1982 (doi 10.1148/radiology.143.1.7063747).
    """

    energy: float
    pointing: float
    top_iou: float
    separation: float


METRICS = ("energy", "pointing", "top_iou", "separation")
NOTHING = Localisation(NAN, NAN, NAN, NAN)


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
        separation=_separation(values, inside),
    )


def highest(values: np.ndarray, count: int) -> np.ndarray:
    """Marks the `count` highest values, bool, the shape of `values`; of equal ones those that come first."""
    marked = np.zeros(values.size, bool)
    marked[np.argsort(-values, axis=None, kind="stable")[:count]] = True
    return marked.reshape(values.shape)


def _separation(values: np.ndarray, inside: np.ndarray) -> float:
    count = int(inside.sum())
    pairs = count * (inside.size - count)
    if not pairs:
        return NAN
    # The sum of the ranks inside, less what it would be if nothing outside were lower: Mann and Whitney's U.
    return float((rankdata(values, axis=None).reshape(values.shape)[inside].sum() - count * (count + 1) / 2) / pairs)


def _iou(one: np.ndarray, other: np.ndarray) -> float:
    return float((one & other).sum() / (one | other).sum())
