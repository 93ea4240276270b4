"""How sure a mean over several runs (seeds) and pictures is."""

from __future__ import annotations

import numpy as np

from keras_deid.intervals import LEVEL, RESAMPLES, mean_interval


def mean_over_runs(values: np.ndarray, seed: int = 0) -> tuple[float, float]:
    """95 % interval of the mean over runs and pictures: both are resampled.

    Every run has seen the same pictures, so runs and pictures are drawn independently of each other. With two runs that
    is little to draw from: the interval tells how far the runs lie apart, not what a third one would do.

    Args:
        values: float `(runs, pictures)`, no NaN. Of one run, only the pictures are resampled.
        seed: of the resampling.

    Returns:
        (low, high); (NaN, NaN) for fewer than two pictures.

    Reference:
        [Owen, 2007](https://arxiv.org/abs/0712.1111), the pigeonhole bootstrap, for two crossed sources of variation.
    """
    if len(values) == 1:
        return mean_interval(values[0], seed)
    if values.shape[1] < 2:
        return float("nan"), float("nan")
    random = np.random.default_rng(seed)
    return _quantiles(_means(values, random, _shares(random, values.shape[1])))


def difference_of_runs(values: np.ndarray, others: np.ndarray, seed: int = 0) -> tuple[float, float]:
    """95 % interval of the difference between the means of two experiments with runs of their own.

    The pictures are the same, so that they are resampled for both together; the runs of each have nothing to do with
    those of the other, and are resampled apart.

    Args:
        values: float `(runs, pictures)`, no NaN.
        others: float `(other runs, pictures)`, no NaN.
        seed: of the resampling.

    Returns:
        (low, high); (NaN, NaN) for fewer than two pictures.
    """
    if len(values) == len(others) == 1:
        return mean_interval(values[0] - others[0], seed)
    if values.shape[1] < 2:
        return float("nan"), float("nan")
    random = np.random.default_rng(seed)
    pictures = _shares(random, values.shape[1])
    return _quantiles(_means(values, random, pictures) - _means(others, random, pictures))


def _means(values: np.ndarray, random: np.random.Generator, pictures: np.ndarray) -> np.ndarray:
    return np.einsum("nr,rp,np->n", _shares(random, len(values)), values, pictures, optimize=True)


def _shares(random: np.random.Generator, count: int) -> np.ndarray:
    """Draws with replacement: float `(RESAMPLES, count)`, the share of the draws that each of `count` has."""
    return random.multinomial(count, np.full(count, 1 / count), RESAMPLES) / count


def _quantiles(means: np.ndarray) -> tuple[float, float]:
    low, high = np.quantile(means, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)
