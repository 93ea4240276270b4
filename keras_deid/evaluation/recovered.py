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
        resampled together. fraction is None where the interval of lost does not lie above 0: it would be a number
        divided by chance.
    """
    values = {source: float(of_source.mean()) for source, of_source in errors.items()}
    resampled = resampled_means(errors, picture, seed)
    lost = resampled[INPUT] - resampled[ORIGINAL]
    intervals = {source: list(interval(of_source)) for source, of_source in resampled.items()}
    intervals["lost"] = list(interval(lost))
    means_something = intervals["lost"][0] > 0
    loss = values[INPUT] - values[ORIGINAL]
    with np.errstate(divide="ignore", invalid="ignore"):
        fractions = (resampled[INPUT] - resampled[RESTORED]) / lost
    return {
        "values": values,
        "lost": loss,
        "fraction": (values[INPUT] - values[RESTORED]) / loss if means_something else None,
        "intervals": {**intervals, "fraction": list(interval(fractions[lost > 0])) if means_something else None},
    }
