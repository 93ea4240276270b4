"""The picture grid: photos in rows; original, input, each model and where it looks in columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np

from keras_deid.comparison.entries import Entry
from keras_deid.config import Config
from keras_deid.errors import UserError
from keras_deid.evaluation.scoring import restore
from keras_deid.explain.chain import chain
from keras_deid.explain.maps import attention_maps, enlarge
from keras_deid.explain.networks import weights_for
from keras_deid.explain.pictures import Pictures, load_pictures
from keras_deid.explain.targets import TARGETS
from keras_deid.models.pixels import to_signed
from keras_deid.models.saved import load_discriminator
from keras_deid.report.overlay import common_top, overlay, relative_to_flat

# Photos shown, evenly spread over the test split: not chosen by how they turned out.
SHOWN = 6


@dataclass(frozen=True)
class Gallery:
    """The picture grid.

    Attributes:
        paths: of the photos, one for each row.
        columns: by heading, uint8 pictures `(height, width, 3)`, one for each row.
        top: multiple of the flat fraction that has the overlays' brightest colour; None without overlays.
        notes: which entries have no overlay, and why, as data: each has a `kind`, which `words.jinja` words.
    """

    paths: tuple[str, ...]
    columns: dict[str, list[np.ndarray]]
    top: float | None
    notes: tuple[dict[str, Any], ...]


def make_gallery(
    entries: Sequence[Entry], generators: Mapping[str, keras.Model], config: Config, input_name: str
) -> Gallery:
    """Restores the shown photos with the first seed of each entry, and lays over them where it looks.

    Args:
        entries: what is shown.
        generators: of each entry's first seed, by the entry's name.
        config: its `data` and `deidentify` say what the photos are.
        input_name: what the de-identified pictures are called.
    """
    pictures = _spread(load_pictures(config), SHOWN)
    columns = {"original": list(pictures.y), input_name: list(pictures.x)}
    columns |= {entry.name: list(restore(generators[entry.name], pictures.x)) for entry in entries}
    maps: dict[str, np.ndarray] = {}
    notes: list[dict[str, Any]] = []
    for entry in entries:
        try:
            layer, found = _maps(entry.runs[0].folder, generators[entry.name], pictures)
        except UserError as reason:
            notes.append({"kind": "no_overlay", "name": entry.name, "reason": str(reason)})
            continue
        maps[f"{entry.name}, {layer}"] = found
        if not found.any():
            notes.append({"kind": "zero_maps", "name": entry.name, "layer": layer})
    top = common_top(maps.values())
    for heading, found in maps.items():
        columns[heading] = [overlay(x, one, top) for x, one in zip(pictures.x, found, strict=True)]
    return Gallery(pictures.paths, columns, top if maps else None, tuple(notes))


def _maps(run: Path, generator: keras.Model, pictures: Pictures) -> tuple[str, np.ndarray]:
    """Takes Grad-CAM at the last layer that is explained, in multiples of the flat fraction, of the pictures' size.

    Raises:
        UserError: if the network has no layer to explain.
    """
    network = chain(generator, load_discriminator(run))
    layer = network.layers[-1]
    weights = weights_for(network, TARGETS["real"], pictures.mask)
    maps = enlarge(attention_maps(network.model, layer, np.asarray(to_signed(pictures.x)), weights), pictures.size)
    return layer, np.stack([relative_to_flat(one.astype(np.float64)) for one in maps])


def _spread(pictures: Pictures, count: int) -> Pictures:
    chosen = np.unique(np.linspace(0, len(pictures) - 1, count).round().astype(int))
    return Pictures(
        x=pictures.x[chosen],
        y=pictures.y[chosen],
        mask=pictures.mask[chosen],
        person=pictures.person[chosen],
        paths=tuple(pictures.paths[index] for index in chosen),
    )
