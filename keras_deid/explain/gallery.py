"""The report's gallery: the best, the middle and the worst localised pictures with their maps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from keras_deid.explain.album import Album
from keras_deid.explain.maps import enlarge
from keras_deid.explain.networks import ITSELF
from keras_deid.explain.sanity import first_middle_last
from keras_deid.explain.study import Study
from keras_deid.report.images import enlarged, png
from keras_deid.report.overlay import common_top, outlined, overlay, relative_to_flat, scale_bar

# Pictures in the gallery: as many from the best, around the middle and from the worst.
SHOWN_OF_EACH = 4


def gallery(album: Album, study: Study, restored: np.ndarray) -> dict[str, Any]:
    """Shows the best, the middle and the worst localised pictures, with maps at the first, middle and last layer.

    Args:
        album: gets the pictures.
        study: the measurements; the first target's maps are shown.
        restored: uint8, what G makes of the study's pictures.
    """
    target, region = study.targets[0].name, "person" if "person" in study.pictures.regions() else "mask"
    order, energies = sorted_pictures(study, target, region)
    layers = first_middle_last(study.layers)
    relative = {
        (index, layer): relative_to_flat(
            enlarge(study.maps[target, layer][index][None], study.pictures.size)[0].astype(np.float64)
        )
        for index, _ in _chosen(order)
        for layer in layers
    }
    top = common_top(relative.values())
    entries = []
    for rank, (index, group) in enumerate(_chosen(order), 1):
        pictures = {
            "de-identified": enlarged(study.pictures.x[index]),
            "restored": enlarged(restored[index]),
            "original": enlarged(study.pictures.y[index]),
        }
        for layer in layers:
            painted = overlay(study.pictures.x[index], relative[index, layer], top)
            pictures[layer] = outlined(painted, getattr(study.pictures, region)[index])
        entries.append(
            {
                "group": group,
                "path": study.pictures.paths[index],
                "energy": energies[index],
                "pictures": [
                    {"label": label, "uri": album.add(f"gallery_{rank:02d}_{label}", png(picture))}
                    for label, picture in pictures.items()
                ],
                "zero": [layer for layer in layers if not study.maps[target, layer][index].any()],
            }
        )
    return {
        "entries": entries,
        "target": target,
        "region": region,
        "photos": len(order),
        "scale": album.add("scale", scale_bar(top)),
    }


def sorted_pictures(study: Study, target: str, region: str) -> tuple[list[int], np.ndarray]:
    """Sorts the pictures that have a region by how well the first network's maps keep to it, mean over layers.

    Returns:
        their numbers from best to worst, those without any map last; and each picture's energy, NaN where it has none.
    """
    table = study.table()
    itself = (table["control"] == ITSELF) & (table["target"] == target) & (table["region"] == region)
    of_first_run = table[itself & (table["run"] == table["run"].iloc[0])]
    energies = of_first_run.groupby("path")["energy"].mean().reindex(list(study.pictures.paths)).to_numpy()
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
