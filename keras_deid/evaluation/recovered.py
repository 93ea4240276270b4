"""How much of the error that de-identification adds restoration takes away again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from keras_deid.evaluation.baselines import INPUT
from keras_deid.evaluation.evaluation import ORIGINAL, RESTORED
from keras_deid.statistics import interval, resampled_means


def recovered(errors: Mapping[str, np.ndarray], picture: np.ndarray, seed: int = 0) -> dict[str, Any]:
    """Compares errors of networks that were trained on original, de-identified and restored pictures.

    Args:
        errors: by what the networks were trained on (at least original, input and restored), `(seeds, windows)` on the
            same windows; lower is better.
        picture: int `(windows,)`, which picture each is from.
        seed: of the resampling.

    Returns:
        `{"values": {source: ...}, "lost", "fraction", "intervals": {source: [low, high], ..., "lost", "fraction"}}`,
        values means over seeds and windows; lost is input - original, above 0 where de-identification makes things
        worse; fraction is (input - restored) / (input - original), 1 if all is given back. Seeds and pictures are
        resampled together. fraction is None where `given_back` says so.
    """
    values = {source: float(of_source.mean()) for source, of_source in errors.items()}
    resampled = resampled_means(errors, picture, seed)
    lost = resampled[INPUT] - resampled[ORIGINAL]
    intervals = {source: list(interval(of_source)) for source, of_source in resampled.items()}
    intervals["lost"] = list(interval(lost))
    fraction, of_fraction = given_back(values, resampled, RESTORED)
    return {
        "values": values,
        "lost": values[INPUT] - values[ORIGINAL],
        "fraction": fraction,
        "intervals": {**intervals, "fraction": of_fraction},
    }


def given_back(
    errors: Mapping[str, float], resampled: Mapping[str, np.ndarray], source: str
) -> tuple[float | None, list[float] | None]:
    """Tells which fraction of what hiding costs a source gives back: (input - source) / (input - original).

    Args:
        errors: by what the networks were trained on; lower is better.
        resampled: by the same, float `(draws,)`.
        source: one of them.

    Returns:
        the fraction, 1 if all is given back, and its interval, over the draws in which hiding costs anything. Both are
        None where the interval of input - original does not lie above 0: it would be a number divided by chance.
    """
    lost = resampled[INPUT] - resampled[ORIGINAL]
    if not interval(lost)[0] > 0:
        return None, None
    fractions = (resampled[INPUT] - resampled[source])[lost > 0] / lost[lost > 0]
    return (errors[INPUT] - errors[source]) / (errors[INPUT] - errors[ORIGINAL]), list(interval(fractions))
