"""`privacy.md`: for each recogniser a table of who is recognised, and one of what restoring adds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from keras_deid.privacy.measure import ORIGINAL
from keras_deid.privacy.probes import SOURCES
from keras_deid.privacy.protocol import METRICS
from keras_deid.privacy.summary import COMPARED
from keras_deid.report.page import wording
from keras_deid.statistics import Estimate

_NOTHING = "–"


def markdown(content: Mapping[str, Any]) -> str:
    """Writes the content of `privacy.json` as Markdown."""
    written = wording("report/markdown.jinja")
    people, rate = content["people"], content["false_accepts"]
    titles = {
        "rank1": f"rank-1 identification among {people} people, % (chance: {100 / people:.1f})",
        "verified": f"verification: true accepts at {rate:.0%} false accepts, % (chance: {100 * rate:.0f})",
        "auc": "verification: area under the curve, % (chance: 50)",
    }
    parts = [f"# Privacy: {content['settings']['model']}", facts(content)]
    for embedder, kinds in content["results"].items():
        for metric in METRICS:
            rows = [_row(content["kinds"][kind], kinds[kind], metric) for kind in content["kinds"]]
            headings = ("hidden by", *SOURCES, *(" - ".join(pair) for pair in COMPARED.values()))
            ceiling = _cell(kinds[ORIGINAL]["sources"][ORIGINAL][metric])
            parts += [
                f"## {embedder}: {titles[metric]}",
                f"Not hidden: {ceiling}.",
                written.table(headings, rows).strip(),
            ]
    return "\n\n".join(parts) + "\n"


def facts(content: Mapping[str, Any]) -> str:
    """Says who was compared with whom."""
    left = "".join(
        f" {len(content[name])} photographs were left out: {reason}."
        for name, reason in (("left_out", "no face that is large enough"), ("skipped", "they could not be read"))
        if content[name]
    )
    return (
        f"{content['people']} people, one photograph each. The gallery has the same photographs, mirrored, darker, "
        "smaller and compressed; so the numbers are upper bounds of what is recognised in another photograph. Brackets "
        f"hold 95 % intervals over people.{left}"
    )


def _row(description: str, of_kind: Mapping[str, Any], metric: str) -> tuple[str, ...]:
    sources = of_kind["sources"]
    return (
        description,
        *(_cell(sources[source][metric]) if source in sources else _NOTHING for source in SOURCES),
        *(_cell(of_kind[name][metric], "+.0f") if name in of_kind else _NOTHING for name in COMPARED),
    )


def _cell(estimate: Mapping[str, Any], form: str = ".0f") -> str:
    return Estimate(estimate["mean"], estimate["low"], estimate["high"]).times(100).words(form)
