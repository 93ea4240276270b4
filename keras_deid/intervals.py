"""How sure a mean over pictures is: bootstrap intervals."""

from __future__ import annotations

import numpy as np

LEVEL = 0.95
RESAMPLES = 1000
# Resampled values in memory at a time, 8 bytes each; the intervals do not depend on it.
_VALUES_AT_ONCE = 1_000_000


def mean_interval(values: np.ndarray, seed: int = 0) -> tuple[float, float]:
    """95 % interval of the mean of values, by resampling the pictures that gave them.

    To tell whether one model is better than another on the same pictures, give it the differences, picture by picture:
    they are surer than two intervals side by side.

    Args:
        values: float `(pictures,)`; NaN (a score that a picture does not have) is left out.
        seed: of the resampling: the same values and seed give the same interval.

    Returns:
        (low, high) in the unit of the values; (NaN, NaN) for fewer than two values, which say nothing about spread.

    Reference:
        [Efron, 1979](https://doi.org/10.1214/aos/1176344552); the percentile interval, which exists for constant
        values too (every face found), where the bias-corrected one divides by zero.
    """
    known = np.asarray(values, dtype=np.float64)
    known = known[~np.isnan(known)]
    if known.size < 2:
        return float("nan"), float("nan")
    random = np.random.default_rng(seed)
    at_once = max(1, _VALUES_AT_ONCE // known.size)
    sizes = [min(at_once, RESAMPLES - done) for done in range(0, RESAMPLES, at_once)]
    means = np.concatenate([random.choice(known, (size, known.size)).mean(axis=1) for size in sizes])
    low, high = np.quantile(means, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)
