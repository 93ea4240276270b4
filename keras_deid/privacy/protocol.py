"""Identification and verification: what a face recogniser achieves with probes against a gallery.

The gallery holds one vector of each person. A probe is a vector of one of these people.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

FALSE_ACCEPTS = 0.01
"""Fraction of the comparisons of different people that verification may accept."""
METRICS = ("rank1", "verified", "auc")
"""Fields of `Recognised` that are metrics."""


class Recognised(NamedTuple):
    """What becomes of each probe; the mean over the probes is the metric.

    Attributes:
        rank: float `(probes,)`: how many people of the gallery are at least as alike as the probe's own person; 1: the
            right one is found.
        rank1: float `(probes,)`: 1 if the rank is 1. The mean is the rank-1 identification rate of closed-set
            identification.
        verified: float `(probes,)`: 1 if the probe is taken for its own person where `FALSE_ACCEPTS` of the comparisons
            of different people are accepted. The mean is the true accept rate (TAR) at that false accept rate (FAR).
        auc: float `(probes,)`: fraction of all comparisons of different people that are less alike than the probe and
            its own person; equal ones count half. The mean is the area under the receiver operating characteristic.

    Reference:
        ISO/IEC 19795-1:2021, Biometric performance testing and reporting.
    """

    rank: np.ndarray
    rank1: np.ndarray
    verified: np.ndarray
    auc: np.ndarray


def recognise(probes: np.ndarray, gallery: np.ndarray, own: np.ndarray) -> Recognised:
    """Compares probes with a gallery.

    Args:
        probes: float `(probes, dimensions)`.
        gallery: float `(people, dimensions)`, of at least two people.
        own: int `(probes,)`: the index in the gallery of each probe's own person.

    Raises:
        ValueError: if the gallery has fewer than two people, which leaves nobody to be mistaken for.
    """
    if len(gallery) < 2:
        raise ValueError(f"Expected a gallery of at least two people. Received: shape {gallery.shape}")
    distances = np.linalg.norm(probes[:, None] - gallery[None], axis=-1)
    is_own = np.arange(len(gallery)) == own[:, None]
    genuine, impostor = distances[is_own], np.sort(distances[~is_own])
    rank = (distances <= genuine[:, None]).sum(axis=1).astype(np.float64)
    # So many comparisons of different people may be closer than what is accepted.
    limit = impostor[int(FALSE_ACCEPTS * len(impostor))]
    closer, up_to = (np.searchsorted(impostor, genuine, side) for side in ("left", "right"))
    return Recognised(
        rank=rank,
        rank1=(rank == 1).astype(np.float64),
        verified=(genuine < limit).astype(np.float64),
        auc=1 - (closer + up_to) / (2 * len(impostor)),
    )
