"""`report.html` and its Markdown: what was found, shown, and how it was done."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from keras_deid.atomic import write_text
from keras_deid.explain import plots
from keras_deid.explain.album import Album
from keras_deid.explain.findings import Finding, grouped
from keras_deid.explain.gallery import SHOWN_OF_EACH, gallery
from keras_deid.explain.gates import Gates
from keras_deid.explain.group_findings import LEAST_PICTURES, GroupFindings
from keras_deid.explain.notes import Note
from keras_deid.explain.regating import Regating
from keras_deid.explain.sanity import Cascade, Faithfulness
from keras_deid.explain.study import Study
from keras_deid.explain.verdicts import Verdict
from keras_deid.report.images import enlarged, png
from keras_deid.report.overlay import coloured
from keras_deid.report.page import render, wording


@dataclass(frozen=True)
class Contents:
    """Everything that the report tells.

    Attributes:
        name: of the run.
        study: the measurements.
        findings: what they come to.
        groups: the same by clothes, background and number of people.
        verdicts: whether the paper's claims hold.
        restored: uint8, what G makes of the study's pictures.
        gates: of the CBAM modules on the study's first pictures; empty without CBAM.
        regated: what other gates in the place of these cost.
        cascade: by layer and stage, the rank correlation of randomised maps with the trained ones.
        cascade_pictures: on how many pictures.
        faithfulness: one for each order.
        faithfulness_pictures: on how many pictures.
        notes: what a reader must know first: an untrained run, one without CBAM, too few pictures.
        settings: what is needed to repeat it, by its name.
        command: that does so.
    """

    name: str
    study: Study
    findings: Sequence[Finding]
    groups: Sequence[GroupFindings]
    verdicts: Sequence[Verdict]
    restored: np.ndarray
    gates: Mapping[str, Gates]
    regated: Sequence[Regating]
    cascade: Cascade
    cascade_pictures: int
    faithfulness: Sequence[Faithfulness]
    faithfulness_pictures: int
    notes: Sequence[Note]
    settings: Mapping[str, Any]
    command: str


def write_report(folder: Path, contents: Contents) -> None:
    """Writes `report.html`, which holds all its pictures, and the pictures once more as PNG files.

    Args:
        folder: exists; `pictures/` is made in it, `report.html` replaced last.
        contents: of the report.
    """
    album = Album(folder / "pictures")
    page = render(
        "explain/report.html",
        contents=contents,
        words=wording("explain/words.jinja"),
        study=contents.study,
        target_words={target.name: target.words for target in contents.study.targets},
        sections=[_section(album, findings) for findings in grouped(contents.findings)],
        least_pictures=LEAST_PICTURES,
        gallery=gallery(album, contents.study, contents.restored),
        gates=_gate_pictures(album, contents),
        channel_gates=album.add("channel_gates", plots.channel_gates(contents.gates)) if contents.gates else None,
        cascade=album.add("cascade", plots.cascade_plot(contents.cascade)) if contents.cascade else None,
    )
    write_text(folder / "report.html", page)


def markdown(contents: Contents) -> str:
    """Writes `localisation.md`: the command, what holds, and a table for each target and region."""
    return render(
        "explain/localisation.md.jinja",
        command=contents.command,
        notes=contents.notes,
        verdicts=contents.verdicts,
        sections=grouped(contents.findings),
        regated=contents.regated,
        groups=contents.groups,
        least_pictures=LEAST_PICTURES,
    )


def summary_lines(summary: Mapping[str, Any]) -> Iterator[str]:
    """Words the notes and the verdicts of a `localisation.json` for the terminal."""
    words = wording("explain/words.jinja")
    for note in summary["notes"]:
        yield f"note: {words.note(note)}"
    for verdict in summary["verdicts"]:
        yield f"{verdict['target']}: {words.verdict(verdict)}"


def _section(album: Album, findings: Sequence[Finding]) -> dict[str, Any]:
    target, region = findings[0].target, findings[0].region
    return {
        "target": target,
        "region": region,
        "findings": findings,
        "controls": [comparison.control for comparison in findings[0].comparisons],
        "plot": album.add(f"energy_{target}_{region}", plots.energy_by_layer(findings)),
    }


def _gate_pictures(album: Album, contents: Contents) -> list[dict[str, Any]]:
    """Paints the spatial gate of every module, for the first pictures, each on its own scale."""
    entries: list[dict[str, Any]] = []
    for name, gates in contents.gates.items():
        shown = [
            album.add(f"spatial_gate_{name}_{index + 1}", png(enlarged(coloured(gate))))
            for index, gate in enumerate(gates.spatial[:SHOWN_OF_EACH])
        ]
        entries.append(
            {
                "layer": name,
                "uris": shown,
                "low": float(gates.spatial.min()),
                "high": float(gates.spatial.max()),
                "channel_low": float(gates.channel.min()),
                "channel_high": float(gates.channel.max()),
            }
        )
    return entries
