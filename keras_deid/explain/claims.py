"""The paper's claims, each in one sentence that says whether it holds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from keras_deid.explain.controls import CONTROLS, ORIGINAL, TWIN
from keras_deid.explain.study import REGIONS
from keras_deid.explain.summary import Comparison, Finding, count_of, listed, seeds_in_words

WHERE = "where"
MERIT = "merit"

# The person is on the original photo as well: what the maps put there is a number of its own, not one to be beaten.
_TOLD_APART = {"mosaic": (), "person": (ORIGINAL,), "rest": (ORIGINAL,)}
_RATHER_THAN = {
    "mosaic": "",
    "person": " rather than the background",
    "rest": " rather than the background, the mosaic left out",
}


@dataclass(frozen=True)
class Claim:
    """A claim about one target and region, over all layers.

    Attributes:
        kind: `WHERE` (the light is on the region) or `MERIT` (with CBAM there is more of it than without).
        target: its name.
        region: one of `keras_deid.explain.study.REGIONS`.
        verdict: "holds", "holds in part", "does not hold" or "not tested".
        layers: where it holds.
        headline: the claim and its verdict in words.
        evidence: on what they rest: against each control. Empty if not tested.
    """

    kind: str
    target: str
    region: str
    verdict: str
    layers: tuple[str, ...]
    headline: str
    evidence: str = ""

    @property
    def sentence(self) -> str:
        """The headline and the evidence."""
        return f"{self.headline} {self.evidence}".rstrip()

    def as_json(self) -> dict[str, Any]:
        """Returns the form of `localisation.json`."""
        return {
            "kind": self.kind,
            "target": self.target,
            "region": self.region,
            "verdict": self.verdict,
            "layers": list(self.layers),
            "sentence": self.sentence,
        }


def where_claims(findings: Sequence[Finding]) -> list[Claim]:
    """Judges whether the maps light up on each region: more than a flat map and than every control that decides."""
    return [_where(group) for group in _groups(findings)]


def merit_claims(findings: Sequence[Finding]) -> list[Claim]:
    """Judges whether CBAM puts more on each region than the same network without it.

    Args:
        findings: about a run with CBAM.
    """
    return [_merit(group) for group in _groups(findings)]


def _where(findings: Sequence[Finding]) -> Claim:
    target, region = findings[0].target, findings[0].region
    layers = tuple(finding.layer for finding in findings if finding.holds)
    verdict, words = _verdict(findings, layers)
    headline = f"The maps light up on the {REGIONS[region]}{_RATHER_THAN[region]}: {words}."
    evidence = f"{_on(findings)} they put more there than {_against(findings)}.{_on_originals(findings)}"
    return Claim(WHERE, target, region, verdict, layers, headline, evidence)


def _against(findings: Sequence[Finding]) -> str:
    above = sum(finding.is_above_flat for finding in findings)
    parts = [f"a flat map at {above} of {count_of(len(findings), 'layer')}"]
    undecided: list[str] = []
    for control in CONTROLS:
        compared = [found for finding in findings if (found := finding.comparison(control))]
        if compared and control not in (TWIN, *_TOLD_APART[findings[0].region]):
            words = f"{CONTROLS[control]} at {sum(comparison.is_beaten for comparison in compared)}"
            (parts if compared[0].decides else undecided).append(words)
    decide = "does not decide" if len(undecided) == 1 else "do not decide"
    return listed(parts) + (f"; {listed(undecided)}, which {decide}" if undecided else "")


def _on_originals(findings: Sequence[Finding]) -> str:
    """Tells apart maps of the person from maps of the mosaic on the person."""
    if ORIGINAL not in _TOLD_APART[findings[0].region]:
        return ""
    compared = [found.value.mean for finding in findings if (found := finding.comparison(ORIGINAL))]
    known = [mean for mean in compared if mean is not None]
    if not known:
        return ""
    return f" On the original photos, with the same people, it is {_range(known)} times the flat share."


def _range(values: Sequence[float]) -> str:
    low, high = f"{min(values):.2f}", f"{max(values):.2f}"
    return low if low == high else f"{low} to {high}"


def _merit(findings: Sequence[Finding]) -> Claim:
    target, region = findings[0].target, findings[0].region
    claim = f"CBAM puts more on the {REGIONS[region]} than the same network without it"
    twins = {finding.layer: found for finding in findings if (found := finding.comparison(TWIN))}
    if not twins:
        return Claim(
            MERIT, target, region, "not tested", (), f"{claim}: not tested; give runs without CBAM (--versus)."
        )
    layers = tuple(layer for layer, twin in twins.items() if twin.is_beaten)
    verdict, words = _verdict(findings, layers)
    below = sum(twin.is_ahead for twin in twins.values())
    evidence = (
        f"{_on(findings, _runs_of(twins))} the difference lies above 0 at {len(layers)} of "
        f"{count_of(len(findings), 'layer')}, below 0 at {below}, and cannot be told from 0 at "
        f"{len(findings) - len(layers) - below}."
    )
    return Claim(MERIT, target, region, verdict, layers, f"{claim}: {words}.", evidence)


def _runs_of(twins: dict[str, Comparison]) -> int:
    return max(1, *(len(twin.runs) for twin in twins.values()))


def _verdict(findings: Sequence[Finding], layers: Sequence[str]) -> tuple[str, str]:
    """Returns the verdict and its words."""
    if len(layers) == len(findings):
        return "holds", "holds"
    if layers:
        others = [finding.layer for finding in findings if finding.layer not in layers]
        elsewhere = listed(others) if len(others) < 3 else f"the other {len(others)}"
        return "holds in part", f"holds at {listed(layers)}, not at {elsewhere}"
    return "does not hold", "does not hold"


def _on(findings: Sequence[Finding], twins: int = 0) -> str:
    """Says what the claim was judged on: "On 20 photos, over 2 seeds,"."""
    fewest, most = (bound(finding.pictures for finding in findings) for bound in (min, max))
    photos = count_of(most, "photo") if fewest == most else f"{fewest} to {most} photos"
    return f"On {photos}{seeds_in_words(findings[0].seeds, twins)}"


def _groups(findings: Sequence[Finding]) -> list[list[Finding]]:
    groups: dict[tuple[str, str], list[Finding]] = {}
    for finding in findings:
        groups.setdefault((finding.target, finding.region), []).append(finding)
    return list(groups.values())
