"""Average precision by what the detectors learned from, and how much of what hiding costs is given back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from keras_deid.evaluation.recovered import given_back
from keras_deid.field.score import ORIGINAL
from keras_deid.statistics import draw_weights, interval
from keras_deid.useful.average_precision import Ranked, average_precision

INPUT, RESTORED = "input", "restored"


def summarise(ranked: Mapping[str, Sequence[Ranked]], faces: np.ndarray, seed: int = 0) -> dict[str, Any]:
    """Takes the means over seeds, with intervals over the test photographs and the seeds.

    Args:
        ranked: by what the detectors learned from (original, input, restored and any others), for each seed, what they
            find in the test photographs.
        faces: int `(photographs,)`, how many faces that count each of these has; one at least.
        seed: of the resampling.

    Returns:
        `sources`: by source the average precision (`ap`, its `interval`, `seeds`: of each seed), `given_back` with its
        `given_back_interval` (see `keras_deid.evaluation.recovered.given_back`; None for the original and the input);
        `lost`, original - input, and `beyond`, by each source but these and restored: restored - source, with `ap` and
        `interval`. Photographs and seeds are drawn anew together, the same ones for all sources.
    """
    random = np.random.default_rng(seed)
    weights, seeds = draw_weights(random, len(faces)), draw_weights(random, len(ranked[ORIGINAL]))
    weights = weights[weights @ faces > 0]
    seeds = seeds[: len(weights)]
    everything = np.ones((1, len(faces)))
    of_seeds = {
        source: [float(average_precision(one, faces, everything)[0]) for one in ranked[source]] for source in ranked
    }
    resampled = {
        source: sum(
            of_seed * average_precision(one, faces, weights)
            for of_seed, one in zip(seeds.T, ranked[source], strict=True)
        )
        for source in ranked
    }
    means = {source: float(np.mean(values)) for source, values in of_seeds.items()}
    errors = {source: 1 - mean for source, mean in means.items()}
    of_errors = {source: 1 - draws for source, draws in resampled.items()}

    def difference(source: str, other: str) -> dict[str, Any]:
        bounds = list(interval(resampled[source] - resampled[other]))
        return {"ap": means[source] - means[other], "interval": bounds}

    sources = {}
    for source in ranked:
        back = (None, None) if source in (ORIGINAL, INPUT) else given_back(errors, of_errors, source)
        sources[source] = {
            "ap": means[source],
            "interval": list(interval(resampled[source])),
            "seeds": of_seeds[source],
            "given_back": back[0],
            "given_back_interval": back[1],
        }
    baselines = [source for source in ranked if source not in (ORIGINAL, RESTORED)]
    return {
        "sources": sources,
        "lost": difference(ORIGINAL, INPUT),
        "beyond": {source: difference(RESTORED, source) for source in baselines},
    }
