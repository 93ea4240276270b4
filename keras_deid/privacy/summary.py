"""The metrics by recogniser, kind and source, with 95 % intervals over photographs, and what restoring adds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, NamedTuple

import numpy as np

from keras_deid.privacy.measure import GALLERY, ORIGINAL, Vectors
from keras_deid.privacy.protocol import METRICS, Recognised, recognise
from keras_deid.statistics import Estimate

COMPARED = {
    "added": ("restored", "hidden"),
    "beyond_blocks": ("restored", "bicubic"),
    "by_the_face": ("restored", "stranger"),
}
"""Differences between two sources: what restoring adds to what a recogniser makes of the hidden face; what it adds to
the enlargement of a mosaic's blocks, which needs no learning; and what the restored face gives away beyond its
surroundings."""


class Probed(NamedTuple):
    """A photograph's person in the gallery, and as a probe.

    Attributes:
        path: of the photograph.
        untouched: vectors of `ORIGINAL` and `GALLERY`.
        kinds: by kind, vectors of `keras_deid.privacy.probes.SOURCES`.
    """

    path: str
    untouched: Vectors
    kinds: Mapping[str, Vectors]


Results = dict[tuple[str, str, str], Recognised]
"""By recogniser, kind and source, probes in the order of the photographs; `ORIGINAL` is both kind and source."""


def compare(probed: Sequence[Probed], embedders: Sequence[str]) -> Results:
    """Compares all probes with the gallery.

    Args:
        probed: at least two people, with the same kinds.
        embedders: names of the recognisers.
    """
    own = np.arange(len(probed))
    results = {}
    for embedder in embedders:
        gallery, untouched = (
            np.array([one.untouched[embedder][name] for one in probed]) for name in (GALLERY, ORIGINAL)
        )
        results[embedder, ORIGINAL, ORIGINAL] = recognise(untouched, gallery, own)
        for kind, vectors in probed[0].kinds.items():
            for source in vectors[embedder]:
                probes = np.array([one.kinds[kind][embedder][source] for one in probed])
                results[embedder, kind, source] = recognise(probes, gallery, own)
    return results


def summarise(results: Results) -> dict[str, Any]:
    """Takes the means.

    Probes are resampled; the distances between different people stay as they are.

    Returns:
        By recogniser and kind: `sources`, with `METRICS` by source, and `COMPARED`, with the paired differences of
        `METRICS`. Each is an estimate with `mean`, `low` and `high`; `rank` is a median.
    """
    summary: dict[str, Any] = {}
    for (embedder, kind, source), recognised in results.items():
        of_kind = summary.setdefault(embedder, {}).setdefault(kind, {"sources": {}})
        metrics = {metric: asdict(Estimate.of(getattr(recognised, metric))) for metric in METRICS}
        of_kind["sources"][source] = {"median_rank": float(np.median(recognised.rank)), **metrics}
    for embedder, kinds in summary.items():
        for kind, of_kind in kinds.items():
            for name, (source, other) in COMPARED.items():
                if {source, other} <= set(of_kind["sources"]):
                    pair = results[embedder, kind, source], results[embedder, kind, other]
                    of_kind[name] = {metric: _difference(*pair, metric) for metric in METRICS}
    return summary


def _difference(recognised: Recognised, other: Recognised, metric: str) -> dict[str, Any]:
    return asdict(Estimate.of(getattr(recognised, metric) - getattr(other, metric)))
