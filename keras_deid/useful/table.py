"""`useful.md`: what detectors are worth that learned from each kind of picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from keras_deid.field.score import ORIGINAL
from keras_deid.report.page import count_of, wording
from keras_deid.statistics import Estimate

_NOTHING = "–"
_NAMES = {"input": "hidden"}


def markdown(content: Mapping[str, Any]) -> str:
    """Writes the content of `useful.json` as Markdown."""
    written = wording("report/markdown.jinja")
    headings = ("hidden by", "trained on", "average precision", "of what hiding costs, given back", "restored - this")
    rows = []
    for number, of_kind in enumerate(content["kinds"].values()):
        for source, numbers in of_kind["sources"].items():
            if source != ORIGINAL:
                rows.append(_row(of_kind["description"], source, of_kind))
            elif number == 0:  # the same ones for all kinds
                rows.append((_NOTHING, ORIGINAL, _cell(numbers["ap"], numbers["interval"]), _NOTHING, _NOTHING))
    parts = [f"# Usefulness: {content['settings']['model']}", facts(content), written.table(headings, rows).strip()]
    return "\n\n".join([*parts, "\n".join(f"- {line}" for line in verdicts(content))]) + "\n"


def _row(description: str, source: str, of_kind: Mapping[str, Any]) -> tuple[str, ...]:
    numbers, beyond = of_kind["sources"][source], of_kind["beyond"]
    more = _cell(beyond[source]["ap"], beyond[source]["interval"], "+.3f") if source in beyond else _NOTHING
    back = _percent(numbers["given_back"], numbers["given_back_interval"])
    return (description, _NAMES.get(source, source), _cell(numbers["ap"], numbers["interval"]), back, more)


def facts(content: Mapping[str, Any]) -> str:
    """Says what the detectors learned from and were tried on."""
    train, test = content["train"], content["test"]
    skipped = content["skipped"]
    left = f" {count_of(len(skipped), 'photograph')} could not be read." if skipped else ""
    return (
        f"{count_of(content['seeds'], 'face detector')} for each line, trained on {train['photographs']} photographs "
        f"with {train['faces']} faces and tried on {test['photographs']} original ones with {test['faces']}. Brackets "
        f"hold 95 % intervals over test photographs and seeds.{left}"
    )


def verdicts(content: Mapping[str, Any]) -> list[str]:
    """Says for each kind what hiding costs, and how much of it restoring gives back."""
    lines = []
    for of_kind in content["kinds"].values():
        lost, restored = of_kind["lost"], of_kind["sources"]["restored"]
        cost = _cell(lost["ap"], lost["interval"])
        if lost["interval"][0] > 0:
            back = _percent(restored["given_back"], restored["given_back_interval"])
            said = f"hiding costs {cost} of average precision; restoring gives back {back}"
        else:
            said = f"hiding costs nothing that can be distinguished from chance (original - hidden: {cost})"
        lines.append(f"{of_kind['description']}: {said}")
    return lines


def _percent(value: float | None, bounds: Sequence[float] | None) -> str:
    if value is None or bounds is None:
        return _NOTHING
    low, high = bounds
    return f"{value:.0%} ({low:.0%} to {high:.0%})".replace("%", " %")


def _cell(value: float, bounds: Sequence[float], form: str = ".3f") -> str:
    return Estimate(value, *bounds).words(form)
