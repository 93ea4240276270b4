"""Is one model better than another, or is it chance? Bootstrap over pictures, and over seeds if there are several."""

from __future__ import annotations

import numpy as np

from keras_deid.explain.summary import Estimate


def estimate(scores: np.ndarray) -> Estimate:
    """Mean of a model's scores with its 95 % interval: with one seed that of `evaluation.json`.

    Args:
        scores: float `(seeds, pictures)`; pictures without a score (NaN) for some seed are left out.
    """
    return Estimate.over_runs(scores)


def difference(ours: np.ndarray, theirs: np.ndarray) -> Estimate:
    """Mean of ours - theirs on the same pictures with its 95 % interval.

    Pictures are resampled in pairs: what makes a picture hard for both is no difference between them. Seeds are
    resampled for each of the two by itself, so that the interval also holds how much one training differs from the
    next; see `keras_deid.explain.seeds.difference_of_runs`.

    Args:
        ours: float `(seeds, pictures)`; pictures without a score (NaN) on either side are left out.
        theirs: float `(seeds, pictures)`, the same pictures; as many seeds as it has.

    Returns:
        the estimate, in the unit of the scores; without interval for fewer than two pictures.

    Raises:
        ValueError: if the pictures are not as many.
    """
    if ours.shape[1] != theirs.shape[1]:
        raise ValueError(f"Expected scores of the same pictures. Received: shapes {ours.shape} and {theirs.shape}")
    known = ~(np.isnan(ours).any(axis=0) | np.isnan(theirs).any(axis=0))
    return Estimate.of_difference(ours[:, known], theirs[:, known])


def is_real(difference: Estimate) -> bool:
    """Tells whether the interval of a difference leaves out zero."""
    return difference.low is not None and difference.high is not None and (difference.low > 0 or difference.high < 0)
