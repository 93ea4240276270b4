"""What a reader of the report should know first, as data: each note has a `kind`, which `words.jinja` words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from keras_deid.explain.controls import shuffled_overlap
from keras_deid.explain.findings import OVERLAP_LIMIT, Finding
from keras_deid.explain.input_maps import INPUT
from keras_deid.explain.networks import Network, weights_for
from keras_deid.explain.pictures import Pictures
from keras_deid.explain.targets import TARGETS, Target

# With fewer pictures the intervals are rough.
ENOUGH_PICTURES = 20

Note = dict[str, Any]


def notes_on_study(network: Network, pictures: Pictures, findings: Sequence[Finding]) -> list[Note]:
    """Notes an untrained run, one without CBAM, data without person masks, too few pictures, and the like."""
    notes: list[Note] = []
    if not network.chain.has_attention:
        at_input = any(finding.layer == INPUT for finding in findings)
        notes.append({"kind": "no_cbam", "places": INPUT if at_input else network.chain.places})
    if not pictures.person.any():
        notes.append({"kind": "no_person"})
    if not pictures.mask.any():
        notes.append({"kind": "no_region"})
    if len(pictures) < ENOUGH_PICTURES:
        notes.append({"kind": "few_pictures", "pictures": len(pictures)})
    for region, masks in pictures.regions().items():
        overlap = shuffled_overlap(masks)
        if overlap > OVERLAP_LIMIT:
            notes.append({"kind": "overlapping_regions", "region": region, "overlap": overlap})
    zero = [finding.layer for finding in findings if finding.zero_maps and not finding.pictures]
    if zero:
        notes.append({"kind": "zero_maps", "layers": list(dict.fromkeys(zero))})
    return notes


def notes_on_targets(network: Network, pictures: Pictures, targets: Sequence[Target]) -> list[Note]:
    """Notes the targets that are the same score as the mean patch logit, because every patch sees the region."""
    everywhere = weights_for(network.chain, TARGETS["real"], pictures.mask)
    return [
        {"kind": "same_target", "target": target.name}
        for target in targets
        if target.name != "real" and np.allclose(weights_for(network.chain, target, pictures.mask), everywhere)
    ]
