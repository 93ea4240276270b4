"""`useful.md`: what detectors are worth that learned from each kind of picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from keras_deid.report.page import count_of, wording
from keras_deid.statistics import Estimate

_NOTHING = "–"
_NAMES = {"input": "hidden"}


def markdown(content: Mapping[str, Any]) -> str:
    """Writes the content of `useful.json` as Markdown."""
    written = wording("report/markdown.jinja")
    sources, beyond = content["sources"], content["beyond"]
    headings = ("trained on", "average precision", "of what hiding costs, given back", "restored - this")
    rows = [
        (
            _NAMES.get(source, source),
            _cell(numbers["ap"], numbers["interval"], ".3f"),
            _percent(numbers["given_back"], numbers["given_back_interval"]),
            _cell(beyond[source]["ap"], beyond[source]["interval"], "+.3f") if source in beyond else _NOTHING,
        )
        for source, numbers in sources.items()
    ]
    parts = [
        f"# Usefulness: {content['settings']['model']}",
        facts(content),
        written.table(headings, rows).strip(),
        verdict(content),
    ]
    return "\n\n".join(parts) + "\n"


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


def verdict(content: Mapping[str, Any]) -> str:
    """Says what hiding costs, and whether that is more than chance."""
    lost = content["lost"]
    cost = _cell(lost["ap"], lost["interval"], "+.3f")
    if lost["interval"][0] > 0:
        return f"Hiding costs {cost.lstrip('+')} of average precision."
    return f"Hiding costs nothing that can be distinguished from chance (original - hidden: {cost})."


def _percent(value: float | None, bounds: Sequence[float] | None) -> str:
    if value is None or bounds is None:
        return _NOTHING
    return Estimate(100 * value, 100 * bounds[0], 100 * bounds[1]).words(".0f") + " %"


def _cell(value: float, bounds: Sequence[float], form: str) -> str:
    return Estimate(value, *bounds).words(form)
