"""What the restorer has to reach, and whether it does: verdicts as data."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

LEAST_RECALL = 0.97
"""Of the regions, over all kinds."""
MOST_FALSE_REGIONS = 0.01
"""In an untouched photograph, on average."""
LEAST_COPIED = 0.99
"""Fraction of the untouched photographs that stay byte for byte as they are."""
MOST_NME = 0.08
"""Mean error of the landmarks over all kinds, in face sizes."""
MOST_CHANGED_OUTSIDE = 0.0
"""Pixels outside the regions."""


@dataclass(frozen=True)
class Targets:
    """What every kind has to reach.

    Attributes:
        gain: dB in the mask, for mosaics and blurs.
        gain_solid: dB in the mask, where nothing of the face is left.
        found: fraction of the faces that are found again.
        sharpness: least and most, relative to the original.
    """

    gain: float
    gain_solid: float
    found: float
    sharpness: tuple[float, float]


TARGETS: dict[str, Targets] = {
    "street": Targets(gain=1.5, gain_solid=8.0, found=0.85, sharpness=(0.6, 1.1)),
    "large": Targets(gain=1.0, gain_solid=6.0, found=0.75, sharpness=(0.35, math.inf)),
}
"""For street photographs, and for photographs with large faces (150 px and wider)."""


def verdicts(summary: Mapping[str, Any], targets: Targets) -> list[dict[str, Any]]:
    """Compares a summary with the targets.

    Args:
        summary: of `keras_deid.field.summary.summarise`.
        targets: of every kind.

    Returns:
        For each target `name`, `kind` (None: over all kinds), `value`, `least` and `most` (None: no bound), and
        `met`: None where there is no value.
    """
    overall, clean = summary["overall"], summary["untouched"]
    found = [
        _verdict("regions_recall", None, overall["regions"]["recall"], least=LEAST_RECALL),
        _verdict("nme", None, overall["sources"]["restored"]["nme"], most=MOST_NME),
        _verdict("false_regions_untouched", None, clean["false_regions"], most=MOST_FALSE_REGIONS),
        _verdict("copied_untouched", None, clean["copied"], least=LEAST_COPIED),
        _verdict("changed_outside", None, overall["changed_outside"], most=MOST_CHANGED_OUTSIDE),
    ]
    for kind, numbers in summary["kinds"].items():
        gain = targets.gain_solid if numbers["family"] == "solid" else targets.gain
        restored = numbers["sources"]["restored"]
        low, high = targets.sharpness
        found += [
            _verdict("psnr_gain", kind, numbers["psnr_gain"], least=gain),
            _verdict("found", kind, restored["found"], least=targets.found),
            _verdict("sharpness", kind, restored["sharpness"], least=low, most=high),
        ]
    return found


def _verdict(
    name: str, kind: str | None, estimate: Mapping[str, Any], least: float | None = None, most: float | None = None
) -> dict[str, Any]:
    value = estimate["mean"]
    most = None if most == math.inf else most
    met = None if value is None else (least is None or value >= least) and (most is None or value <= most)
    return {"name": name, "kind": kind, "value": value, "least": least, "most": most, "met": met}
