"""`localisation.md`: the summary as tables that can be pasted into a document."""

from __future__ import annotations

from collections.abc import Sequence

from keras_deid.explain.claims import Claim
from keras_deid.explain.controls import CONTROLS
from keras_deid.explain.study import REGIONS
from keras_deid.explain.summary import Comparison, Finding, count_of, seeds_in_words


def markdown(command: str, notes: Sequence[str], claims: Sequence[Claim], findings: Sequence[Finding]) -> str:
    """Writes a summary: the command, what holds, and a table for each target and region.

    Args:
        command: that makes the report again.
        notes: what a reader must know first.
        claims: the verdicts.
        findings: of the tables; a row each.
    """
    keys = dict.fromkeys((finding.target, finding.region) for finding in findings)
    tables = [_table([finding for finding in findings if (finding.target, finding.region) == key], key) for key in keys]
    bullets = "\n".join(f"- {claim.sentence}" for claim in claims)
    remarks = "".join(f"- Note: {note}\n" for note in notes)
    return "\n\n".join([f"```bash\n{command}\n```", f"{bullets}\n{remarks}".rstrip(), *tables]) + "\n"


def _table(findings: Sequence[Finding], key: tuple[str, str]) -> str:
    target, region = key
    names = [comparison.control for comparison in findings[0].comparisons]
    head = ["layer", f"on the {REGIONS[region]}", "zero maps", *names]
    lines = [_line(head), _line(["---"] * len(head)), *(_line(_row(finding, names)) for finding in findings)]
    photos = max(finding.pictures for finding in findings)
    title = (
        f"Times the flat share that the maps put on the {REGIONS[region]}, score `{target}`, with 95 % intervals "
        f"({count_of(photos, 'photo')}{seeds_in_words(findings[0].seeds).rstrip(',')}), and that of the controls. "
        "A star: the maps are not above that control (the interval of the difference reaches 0)."
    )
    return "\n".join([title, "", *lines])


def _row(finding: Finding, names: Sequence[str]) -> list[str]:
    controls = {comparison.control: comparison for comparison in finding.comparisons}
    cells = [_cell(controls[name]) if name in controls else "–" for name in names if name in CONTROLS]
    energy = finding.metrics["energy"]
    return [finding.layer, "–" if energy.mean is None else energy.words(), str(finding.zero_maps), *cells]


def _cell(comparison: Comparison) -> str:
    if comparison.value.mean is None:
        return "–"
    return f"{comparison.value.mean:.2f}{'' if comparison.is_beaten else ' *'}"


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
