"""Whether the paper's claims hold: verdicts as data. How they are worded is in `words.jinja`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from keras_deid.explain.controls import CONTROLS, NO_CBAM, ORIGINAL
from keras_deid.explain.findings import Finding, grouped

WHERE = "where"
MERIT = "merit"


@dataclass(frozen=True)
class Verdict:
    """Whether a claim holds of one target and region, over all layers.

    Attributes:
        kind: `WHERE` (the maps light up on the region) or `MERIT` (with CBAM they do so more than without).
        target: its name.
        region: one of `keras_deid.explain.pictures.REGIONS`.
        verdict: "holds", "holds in part", "does not hold" or "not tested".
        layers: where it holds.
        all_layers: that were looked at.
        pictures: fewest and most that any layer's means are over.
        seeds: runs that the means are over.
        above_flat: of `WHERE`: layers at which the maps are above a flat map.
        controls: of `WHERE`, by name: at how many layers it is `beaten`, and whether it `decides`.
        on_originals: of `WHERE`: the least and greatest energy on the photos before de-identification; None for the
            de-identified region, which they do not have.
        below: of `MERIT`: layers at which the difference lies below 0.
        seeds_without: of `MERIT`: runs without CBAM.
    """

    kind: str
    target: str
    region: str
    verdict: str
    layers: tuple[str, ...]
    all_layers: tuple[str, ...]
    pictures: tuple[int, int]
    seeds: int
    above_flat: int | None = None
    controls: dict[str, dict[str, int | bool]] = field(default_factory=dict)
    on_originals: tuple[float, float] | None = None
    below: int | None = None
    seeds_without: int = 0

    def as_json(self) -> dict[str, Any]:
        """Returns the form of `localisation.json`."""
        return asdict(self)


def where_verdicts(findings: Sequence[Finding]) -> list[Verdict]:
    """Judges whether the maps light up on each region: more than a flat map and than every control that decides."""
    return [_where(group) for group in grouped(findings)]


def merit_verdicts(findings: Sequence[Finding]) -> list[Verdict]:
    """Judges whether CBAM puts more on each region than the same network without it.

    Args:
        findings: about a run with CBAM.
    """
    return [_merit(group) for group in grouped(findings)]


def _where(findings: Sequence[Finding]) -> Verdict:
    layers = tuple(finding.layer for finding in findings if finding.holds)
    return Verdict(
        WHERE,
        **_about(findings, layers),
        above_flat=sum(finding.is_above_flat for finding in findings),
        controls=_controls(findings),
        on_originals=_on_originals(findings),
    )


def _controls(findings: Sequence[Finding]) -> dict[str, dict[str, int | bool]]:
    """Counts the layers at which each control is beaten, but for those that judge another claim.

    The person is on the original photo as well: what the maps put there is a number of its own, not one to be beaten.
    """
    region = findings[0].region
    told_apart = (NO_CBAM,) if region == "mask" else (NO_CBAM, ORIGINAL)
    counts: dict[str, dict[str, int | bool]] = {}
    for control in CONTROLS:
        compared = [found for finding in findings if (found := finding.comparison(control))]
        if compared and control not in told_apart:
            beaten = sum(comparison.is_beaten for comparison in compared)
            counts[control] = {"beaten": beaten, "decides": compared[0].decides}
    return counts


def _on_originals(findings: Sequence[Finding]) -> tuple[float, float] | None:
    """Tells maps of the person apart from maps of the region on the person."""
    if findings[0].region == "mask":
        return None
    compared = [found.value.mean for finding in findings if (found := finding.comparison(ORIGINAL))]
    known = [mean for mean in compared if mean is not None]
    return (min(known), max(known)) if known else None


def _merit(findings: Sequence[Finding]) -> Verdict:
    compared = {finding.layer: found for finding in findings if (found := finding.comparison(NO_CBAM))}
    layers = tuple(layer for layer, without in compared.items() if without.is_beaten)
    if not compared:
        return Verdict(MERIT, **{**_about(findings, layers), "verdict": "not tested"})
    return Verdict(
        MERIT,
        **_about(findings, layers),
        below=sum(without.is_ahead for without in compared.values()),
        seeds_without=max(1, *(len(without.runs) for without in compared.values())),
    )


def _about(findings: Sequence[Finding], layers: Sequence[str]) -> dict[str, Any]:
    pictures = [finding.pictures for finding in findings]
    in_part = "holds in part" if layers else "does not hold"
    return {
        "target": findings[0].target,
        "region": findings[0].region,
        "verdict": "holds" if len(layers) == len(findings) else in_part,
        "layers": tuple(layers),
        "all_layers": tuple(finding.layer for finding in findings),
        "pictures": (min(pictures), max(pictures)),
        "seeds": findings[0].seeds,
    }
