"""Pictures in groups: by the size of the face, by the block that hides it, by brightness."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

# What pictures may be grouped by: the name in `evaluation.json`, what a table calls it, how its values are written.
GROUPED_BY = {
    "face_width": ("width of the face, px", "{:.1f}"),
    "block": ("block, px", "{:.1f}"),
    "brightness": ("brightness", "{:.2f}"),
}
GROUPS = 3
# Finer differences than this are rounding, such as that of a block of a fifth of the same face.
_DECIMALS = 3


@dataclass(frozen=True)
class Group:
    """Some of the pictures.

    Attributes:
        low: least value in the group.
        high: greatest value in the group.
        members: bool `(pictures,)`.
    """

    low: float
    high: float
    members: np.ndarray


def in_thirds(values: np.ndarray) -> list[Group]:
    """Parts pictures at the terciles of a value, so that each group has as many as the others.

    Args:
        values: float `(pictures,)`; a picture without a value (NaN) is in no group.

    Returns:
        groups from the least values to the greatest, each value in one group only: no more than `GROUPS`, fewer where
        values coincide, one for each value where there are no more than that.
    """
    rounded = np.round(np.asarray(values, dtype=np.float64), _DECIMALS)
    known = rounded[~np.isnan(rounded)]
    if not known.size:
        return []
    distinct = np.unique(known)
    starts = distinct if len(distinct) <= GROUPS else np.quantile(known, np.arange(GROUPS) / GROUPS, method="higher")
    of_picture = np.where(np.isnan(rounded), -1, np.searchsorted(np.unique(starts), rounded, side="right") - 1)
    groups = [of_picture == number for number in range(len(np.unique(starts)))]
    return [Group(float(rounded[group].min()), float(rounded[group].max()), group) for group in groups]
