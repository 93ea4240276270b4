"""Means over pictures and seeds with 95 % intervals, and paired differences of two means: bootstrap."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.stats import bootstrap  # type: ignore[import-untyped]

LEVEL = 0.95
RESAMPLES = 1000
# Resampled values in memory at a time, 8 bytes each; the intervals do not depend on it.
_VALUES_AT_ONCE = 1_000_000


@dataclass(frozen=True)
class Estimate:
    """A mean over pictures, with several runs also over these, and its 95 % interval; None where it does not exist."""

    mean: float | None = None
    low: float | None = None
    high: float | None = None

    @classmethod
    def of(cls, values: np.ndarray) -> Estimate:
        """Takes the mean of float `(pictures,)`, without NaN values."""
        known = values[~np.isnan(values)]
        return cls._of_bounds(known.mean() if known.size else np.nan, mean_interval(known))

    @classmethod
    def over_runs(cls, values: np.ndarray) -> Estimate:
        """Takes the mean of float `(runs, pictures)` over the pictures for which every run has a value."""
        known = values[:, ~np.isnan(values).any(axis=0)]
        return cls._of_bounds(known.mean() if known.size else np.nan, mean_over_runs(known))

    @classmethod
    def of_difference(cls, values: np.ndarray, others: np.ndarray) -> Estimate:
        """Takes the mean of values - others on the same pictures; see `difference_of_runs`.

        Args:
            values: float `(runs, pictures)`; pictures with NaN on either side are left out.
            others: float `(other runs, pictures)`.

        Raises:
            ValueError: if the numbers of pictures differ.
        """
        if values.shape[1] != others.shape[1]:
            raise ValueError(
                f"Expected scores of the same pictures. Received: shapes {values.shape} and {others.shape}"
            )
        known = ~(np.isnan(values).any(axis=0) | np.isnan(others).any(axis=0))
        ours, theirs = values[:, known], others[:, known]
        mean = ours.mean() - theirs.mean() if ours.size and theirs.size else np.nan
        return cls._of_bounds(mean, difference_of_runs(ours, theirs))

    @classmethod
    def _of_bounds(cls, mean: float, bounds: tuple[float, float]) -> Estimate:
        return cls(*(None if np.isnan(value) else float(value) for value in (mean, *bounds)))

    @property
    def is_above_zero(self) -> bool:
        """Whether the whole interval lies above 0."""
        return self.low is not None and self.low > 0

    @property
    def is_below_zero(self) -> bool:
        """Whether the whole interval lies below 0."""
        return self.high is not None and self.high < 0

    @property
    def sign(self) -> bool | None:
        """True above 0, False below it, None where the interval holds 0 or does not exist."""
        return self.is_above_zero if self.is_above_zero or self.is_below_zero else None

    def times(self, factor: float) -> Estimate:
        """Returns the estimate in a smaller unit."""
        return Estimate(*(None if value is None else value * factor for value in (self.mean, self.low, self.high)))

    def words(self, form: str = ".2f") -> str:
        """Formats it as "2.3 (2.1 to 2.5)", with signs if `form` has one."""
        if self.mean is None:
            return "nothing"
        if self.low is None or self.high is None:
            return format(self.mean, form)
        plain = form.replace("+", "") if min(self.low, self.high) >= 0 else form
        return f"{self.mean:{form}} ({self.low:{plain}} to {self.high:{plain}})"


def mean_interval(values: np.ndarray, seed: int = 0) -> tuple[float, float]:
    """95 % interval of the mean of values, by resampling the pictures.

    To find out whether one model is better than another on the same pictures, pass the differences, picture by picture:
    they are more certain than two intervals side by side.

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
    low, high = bootstrap(
        (known,),
        np.mean,
        n_resamples=RESAMPLES,
        batch=max(1, _VALUES_AT_ONCE // known.size),
        confidence_level=LEVEL,
        method="percentile",
        rng=np.random.default_rng(seed),
    ).confidence_interval
    return float(low), float(high)


def mean_over_runs(values: np.ndarray, seed: int = 0) -> tuple[float, float]:
    """95 % interval of the mean over runs and pictures: both are resampled.

    Every run has seen the same pictures, so runs and pictures are drawn independently of each other. Two runs are
    little to draw from: the interval tells how far the runs lie apart, not what a third one would do.

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
    return interval(_crossed_means(values, random, draw_weights(random, values.shape[1])))


def difference_of_runs(values: np.ndarray, others: np.ndarray, seed: int = 0) -> tuple[float, float]:
    """95 % interval of the difference between the means of two experiments with runs of their own.

    The pictures are the same, so they are resampled in pairs: what makes a picture hard for both is no difference.
    The runs of each have nothing to do with those of the other, and are resampled separately.

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
    pictures = draw_weights(random, values.shape[1])
    return interval(_crossed_means(values, random, pictures) - _crossed_means(others, random, pictures))


def resampled_means(values: Mapping[str, np.ndarray], picture: np.ndarray, seed: int = 0) -> dict[str, np.ndarray]:
    """Draws pictures and seeds anew for several sources together.

    Args:
        values: by source, float or bool `(seeds, windows)` on the same windows.
        picture: int `(windows,)`, the picture that each window is from; windows of one picture are drawn together.
        seed: of the resampling.

    Returns:
        by source, float `(RESAMPLES,)`: the mean of each draw; the draws are the same for every source.
    """
    random = np.random.default_rng(seed)
    _, of_picture = np.unique(picture, return_inverse=True)
    pictures, seeds = of_picture.max() + 1, len(next(iter(values.values())))
    weights = random.multinomial(pictures, np.full(pictures, 1 / pictures), RESAMPLES)[:, of_picture]
    seed_weights = draw_weights(random, seeds)
    return {
        source: (weights @ of_source.T / weights.sum(axis=1, keepdims=True) * seed_weights).sum(axis=1)
        for source, of_source in values.items()
    }


def interval(means: np.ndarray) -> tuple[float, float]:
    """Returns the bounds that hold the middle 95 % of resampled means."""
    low, high = np.quantile(means, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)


def _crossed_means(values: np.ndarray, random: np.random.Generator, pictures: np.ndarray) -> np.ndarray:
    return np.einsum("nr,rp,np->n", draw_weights(random, len(values)), values, pictures, optimize=True)


def draw_weights(random: np.random.Generator, count: int) -> np.ndarray:
    """Draws with replacement: float `(RESAMPLES, count)`, the fraction of the draws that each of `count` has."""
    return random.multinomial(count, np.full(count, 1 / count), RESAMPLES) / count
