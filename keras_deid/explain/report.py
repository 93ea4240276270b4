"""`report.html`: one file that says what was found, shows it, and says how it was done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from keras_deid.atomic import write_text
from keras_deid.explain import figures
from keras_deid.explain.claims import Claim
from keras_deid.explain.gates import Gates
from keras_deid.explain.maps import enlarge
from keras_deid.explain.study import ITSELF, REGIONS, Row, Study
from keras_deid.explain.summary import Estimate, Finding
from keras_deid.page import data_uri, render_page

# Pictures in the gallery: as many from the best, around the middle and from the worst.
SHOWN_OF_EACH = 4


@dataclass(frozen=True)
class Faithfulness:
    """How the score falls and rises along the order of pixels that something gives, on some pictures.

    Attributes:
        order: what gives the order: a layer's name, or a control's.
        deletion: area under the deletion curve; lower is better.
        insertion: area under the insertion curve; higher is better.
        deletion_gain: area of a random order less this one, picture by picture; above 0 is better than chance.
        insertion_gain: this one less a random order.
    """

    order: str
    deletion: Estimate
    insertion: Estimate
    deletion_gain: Estimate
    insertion_gain: Estimate


@dataclass(frozen=True)
class Contents:
    """Everything that the report tells.

    Attributes:
        name: of the run.
        study: the measurements.
        findings: what they come to.
        claims: whether the paper's claims hold.
        restored: uint8, what G makes of the study's pictures.
        gates: of the CBAM modules on the study's first pictures; empty without CBAM.
        cascade: by layer and stage, the rank correlation of randomised maps with the trained ones.
        cascade_pictures: on how many pictures.
        faithfulness: one for each order.
        faithfulness_pictures: on how many pictures.
        notes: what a reader must know first: an untrained run, one without CBAM, too few pictures.
        settings: what somebody needs who wants to repeat it, by its name.
        command: that does so.
    """

    name: str
    study: Study
    findings: Sequence[Finding]
    claims: Sequence[Claim]
    restored: np.ndarray
    gates: Mapping[str, Gates]
    cascade: Mapping[str, Mapping[str, Estimate]]
    cascade_pictures: int
    faithfulness: Sequence[Faithfulness]
    faithfulness_pictures: int
    notes: Sequence[str]
    settings: Mapping[str, Any]
    command: str


def write_report(folder: Path, contents: Contents) -> None:
    """Writes `report.html`, which holds all its pictures, and the pictures once more as PNG files.

    Args:
        folder: exists; `pictures/` is made in it, `report.html` replaced last.
        contents: of the report.
    """
    album = _Album(folder / "pictures")
    page = render_page(
        "explain/report.html",
        contents=contents,
        study=contents.study,
        regions=REGIONS,
        target_words={target.name: target.words for target in contents.study.targets},
        sections=[_section(album, contents, key) for key in _keys(contents)],
        gallery=_gallery(album, contents),
        gates=_gate_pictures(album, contents),
        channel_gates=album.add("channel_gates", figures.channel_gates(contents.gates)) if contents.gates else None,
        cascade=album.add("cascade", figures.cascade_plot(contents.cascade)) if contents.cascade else None,
    )
    write_text(folder / "report.html", page)


class _Album:
    """Writes pictures as files, and returns them as data URIs."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(exist_ok=True)
        for old in folder.glob("*.png"):
            old.unlink()

    def add(self, name: str, png: bytes) -> str:
        (self._folder / f"{name}.png").write_bytes(png)
        return data_uri(png)


def _keys(contents: Contents) -> list[tuple[str, str]]:
    return list(dict.fromkeys((finding.target, finding.region) for finding in contents.findings))


def _section(album: _Album, contents: Contents, key: tuple[str, str]) -> dict[str, Any]:
    target, region = key
    findings = [finding for finding in contents.findings if (finding.target, finding.region) == key]
    return {
        "target": target,
        "region": REGIONS[region],
        "findings": findings,
        "controls": [comparison.control for comparison in findings[0].comparisons],
        "plot": album.add(f"energy_{target}_{region}", figures.energy_by_layer(findings)),
    }


def _gallery(album: _Album, contents: Contents) -> dict[str, Any]:
    """Shows the best, the middle and the worst localised pictures, with maps at the first, middle and last layer."""
    study = contents.study
    target, region = _keys(contents)[0][0], "person" if "person" in study.pictures.regions() else "mosaic"
    order, energies = sorted_pictures(study, target, region)
    layers = list(dict.fromkeys(study.layers[index] for index in (0, len(study.layers) // 2, len(study.layers) - 1)))
    shares = {
        (index, layer): figures.share_of_flat(
            enlarge(study.maps[target, layer][index][None], study.pictures.size)[0].astype(np.float64)
        )
        for index, _ in _chosen(order)
        for layer in layers
    }
    top = max(3.0, float(np.ceil(np.percentile(np.concatenate([share.ravel() for share in shares.values()]), 95))))
    entries = []
    for rank, (index, group) in enumerate(_chosen(order), 1):
        pictures = {
            "de-identified": figures.enlarged(study.pictures.x[index]),
            "restored": figures.enlarged(contents.restored[index]),
            "original": figures.enlarged(study.pictures.y[index]),
        }
        for layer in layers:
            painted = figures.overlay(study.pictures.x[index], shares[index, layer], top)
            pictures[layer] = figures.outlined(painted, getattr(study.pictures, region)[index])
        entries.append(
            {
                "group": group,
                "path": study.pictures.paths[index],
                "energy": energies[index],
                "pictures": [
                    {"label": label, "uri": album.add(f"gallery_{rank:02d}_{label}", figures.png(picture))}
                    for label, picture in pictures.items()
                ],
                "zero": [layer for layer in layers if not study.maps[target, layer][index].any()],
            }
        )
    return {
        "entries": entries,
        "target": target,
        "region": REGIONS[region],
        "photos": len(order),
        "scale": album.add("scale", figures.scale_bar(top)),
    }


def sorted_pictures(study: Study, target: str, region: str) -> tuple[list[int], np.ndarray]:
    """Sorts the pictures that have a region by how well the first network's maps keep to it, mean over layers.

    Returns:
        their numbers from best to worst, those without any map last; and each picture's energy, NaN where it has none.
    """
    run = study.rows[0].run

    def belongs(row: Row) -> bool:
        return (row.run, row.control, row.target, row.region) == (run, ITSELF, target, region)

    place = {path: index for index, path in enumerate(study.pictures.paths)}
    found: list[list[float]] = [[] for _ in place]
    for row in filter(belongs, study.rows):
        if not np.isnan(row.found.energy):
            found[place[row.path]].append(row.found.energy)
    energies = np.array([np.mean(values) if values else np.nan for values in found])
    ranked = np.argsort(np.where(np.isnan(energies), np.inf, -energies), kind="stable")
    has_region = np.asarray(study.pictures.regions()[region].any(axis=(1, 2)))
    return [int(index) for index in ranked if has_region[index]], energies


def _chosen(order: Sequence[int]) -> list[tuple[int, str]]:
    if len(order) <= 3 * SHOWN_OF_EACH:
        return [(index, "all, from best to worst") for index in order]
    middle = (len(order) - SHOWN_OF_EACH) // 2
    groups = {
        "best": order[:SHOWN_OF_EACH],
        "middle": order[middle : middle + SHOWN_OF_EACH],
        "worst": order[-SHOWN_OF_EACH:],
    }
    return [(index, group) for group, indices in groups.items() for index in indices]


def _gate_pictures(album: _Album, contents: Contents) -> list[dict[str, Any]]:
    """Paints the spatial gate of every module, for the first pictures, each on its own scale."""
    entries: list[dict[str, Any]] = []
    for name, gates in contents.gates.items():
        shown = [
            album.add(f"spatial_gate_{name}_{index + 1}", figures.png(figures.enlarged(figures.coloured(gate))))
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
