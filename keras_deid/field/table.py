"""The tables of a field evaluation, as text cells: for Markdown and for the page."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from keras_deid.field.score import ORIGINAL, SOURCES
from keras_deid.report.page import wording

_NOTHING = "–"


class Table(NamedTuple):
    """A table.

    Attributes:
        title: above it.
        headings: of the columns.
        rows: cells.
    """

    title: str
    headings: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]


def tables(content: Mapping[str, Any]) -> list[Table]:
    """Lays out the content of `field.json`: results, baselines, targets."""
    groups = {
        **{numbers["description"]: numbers for numbers in content["kinds"].values()},
        **{f"all: {family}": numbers for family, numbers in content["families"].items()},
        "all kinds": content["overall"],
    }
    return [_results(groups), _baselines(groups), _targets(content)]


def markdown(content: Mapping[str, Any]) -> str:
    """Writes the tables and the sentence about untouched photographs as Markdown."""
    parts = [f"# Field evaluation: {content['settings']['model']}", facts(content)]
    written = wording("report/markdown.jinja")
    for table in tables(content):
        parts += [f"## {table.title}", written.table(table.headings, table.rows).strip()]
    return "\n\n".join(parts) + "\n"


def facts(content: Mapping[str, Any]) -> str:
    """Says what was evaluated, and what was found in the untouched photographs."""
    clean, skipped = content["untouched"], content["skipped"]
    left = f"; {len(skipped)} could not be read" if skipped else ""
    photographs = clean["photographs"]
    return (
        f"{photographs} photographs with {content['faces']} faces{left}. In the untouched photographs "
        f"{clean['false_regions_total']} false regions are found; {_percent(clean['copied']['mean'])} of the "
        "photographs stay byte for byte as they are. Brackets hold 95 % intervals over photographs."
    )


def _results(groups: Mapping[str, Mapping[str, Any]]) -> Table:
    headings = (
        "hidden by",
        "faces",
        "regions found",
        "precision",
        "PSNR, dB: input → restored",
        "gain, dB",
        "SSIM: input → restored",
        "faces found again: input → restored",
        "NME",
        "sharpness: input → restored",
        "pixels changed outside",
    )
    rows = []
    for name, group in groups.items():
        before, after = group["sources"]["input"], group["sources"]["restored"]
        rows.append(
            (
                name,
                str(group["faces"]),
                _with_interval(group["regions"]["recall"], _percent),
                _percent(group["regions"]["precision"]["mean"]),
                _pair(before["psnr"], after["psnr"], _decimals),
                _with_interval(group["psnr_gain"], _signed),
                _pair(before["ssim"], after["ssim"], _decimals),
                f"{_percent(before['found']['mean'])} → {_with_interval(after['found'], _percent)}",
                _thousandths(after["nme"]["mean"]),
                _pair(before["sharpness"], after["sharpness"], _decimals),
                _decimals(group["changed_outside"]["mean"]),
            )
        )
    return Table("Results", headings, rows)


def _baselines(groups: Mapping[str, Mapping[str, Any]]) -> Table:
    headings = (
        "hidden by",
        *(f"PSNR, dB: {source}" for source in SOURCES),
        *(f"found: {source}" for source in (ORIGINAL, *SOURCES)),
        *(f"sharpness: {source}" for source in SOURCES),
    )
    rows = []
    for name, group in groups.items():
        sources = group["sources"]
        rows.append(
            (
                name,
                *(_decimals(sources[source]["psnr"]["mean"]) for source in SOURCES),
                *(_percent(sources[source]["found"]["mean"]) for source in (ORIGINAL, *SOURCES)),
                *(_decimals(sources[source]["sharpness"]["mean"]) for source in SOURCES),
            )
        )
    return Table("Baselines", headings, rows)


def _targets(content: Mapping[str, Any]) -> Table:
    rows = []
    for verdict in content["verdicts"]:
        least, most = verdict["least"], verdict["most"]
        bounds = [f"{word} {bound:g}" for word, bound in (("at least", least), ("at most", most)) if bound is not None]
        met = {True: "yes", False: "no", None: _NOTHING}[verdict["met"]]
        value = _NOTHING if verdict["value"] is None else f"{verdict['value']:.3f}"
        rows.append((verdict["name"], verdict["kind"] or "all kinds", value, ", ".join(bounds), met))
    return Table("Targets", ("what", "kind", "value", "target", "met"), rows)


def _decimals(value: float | None) -> str:
    return _NOTHING if value is None else f"{value:.2f}"


def _thousandths(value: float | None) -> str:
    return _NOTHING if value is None else f"{value:.3f}"


def _signed(value: float | None) -> str:
    return _NOTHING if value is None else f"{value:+.2f}"


def _percent(value: float | None) -> str:
    return _NOTHING if value is None else f"{100 * value:.1f} %"


def _pair(before: Mapping[str, Any], after: Mapping[str, Any], written: Callable[[float | None], str]) -> str:
    return f"{written(before['mean'])} → {written(after['mean'])}"


def _with_interval(estimate: Mapping[str, Any], written: Callable[[float | None], str]) -> str:
    if estimate["low"] is None:
        return written(estimate["mean"])
    return f"{written(estimate['mean'])} ({written(estimate['low'])} to {written(estimate['high'])})"
