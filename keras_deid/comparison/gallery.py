"""The picture grid: photos in rows; original, input, each model and where it looks in columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np

from keras_deid.comparison.models import Model
from keras_deid.config import Config
from keras_deid.errors import UserError
from keras_deid.evaluation.evaluate import restore
from keras_deid.explain.compose import compose
from keras_deid.explain.figures import overlay, share_of_flat
from keras_deid.explain.maps import attention_maps, enlarge
from keras_deid.explain.pictures import load_pictures
from keras_deid.explain.study import Pictures, weights_for
from keras_deid.explain.targets import TARGETS
from keras_deid.models.pixels import to_signed
from keras_deid.models.saved import load_discriminator

# Photos shown, evenly spread over the test split: not chosen by how they turned out.
SHOWN = 6
# The brightest colour of the overlays is at least this many times the flat share.
_LEAST_TOP = 3.0


@dataclass(frozen=True)
class Gallery:
    """The picture grid.

    Attributes:
        paths: of the photos, one for each row.
        columns: by heading, uint8 pictures `(height, width, 3)`, one for each row.
        top: multiple of the flat share that has the overlays' brightest colour; None without overlays.
        notes: which models have no overlay, and why.
    """

    paths: tuple[str, ...]
    columns: dict[str, list[np.ndarray]]
    top: float | None
    notes: tuple[str, ...]


def make_gallery(
    models: Sequence[Model], generators: Mapping[str, keras.Model], config: Config, input_name: str
) -> Gallery:
    """Restores the shown photos with the first seed of each model, and lays over them where it looks.

    Args:
        models: what is shown.
        generators: of each model's first seed, by the model's name.
        config: its `data` and `deidentify` say what the photos are.
        input_name: what the de-identified pictures are called.
    """
    pictures = _spread(load_pictures(config), SHOWN)
    columns = {"original": list(pictures.y), input_name: list(pictures.x)}
    columns |= {model.name: list(restore(generators[model.name], pictures.x)) for model in models}
    maps: dict[str, np.ndarray] = {}
    notes = []
    for model in models:
        try:
            layer, found = _maps(model.runs[0].folder, generators[model.name], pictures)
        except UserError as reason:
            notes.append(f"No overlay for {model.name}: {reason}.")
            continue
        maps[f"{model.name}, {layer}"] = found
        if not found.any():
            notes.append(f"All maps of {model.name} at {layer} are zero: nothing there speaks for the score.")
    top = _top(maps)
    for heading, found in maps.items():
        columns[heading] = [overlay(x, share, top) for x, share in zip(pictures.x, found, strict=True)]
    return Gallery(pictures.paths, columns, top if maps else None, tuple(notes))


def _maps(run: Path, generator: keras.Model, pictures: Pictures) -> tuple[str, np.ndarray]:
    """Takes Grad-CAM at the last layer that is explained, in multiples of the flat share, of the pictures' size.

    Raises:
        UserError: if there is no layer to explain.
    """
    explained = compose(generator, load_discriminator(run))
    layer = explained.layers[-1]
    weights = weights_for(explained, TARGETS["real"], pictures.mosaic)
    maps = enlarge(attention_maps(explained.model, layer, np.asarray(to_signed(pictures.x)), weights), pictures.size)
    return layer, np.stack([share_of_flat(one.astype(np.float64)) for one in maps])


def _top(maps: Mapping[str, np.ndarray]) -> float:
    if not maps:
        return _LEAST_TOP
    everything = np.concatenate([found.ravel() for found in maps.values()])
    return max(_LEAST_TOP, float(np.ceil(np.percentile(everything, 95))))


def _spread(pictures: Pictures, count: int) -> Pictures:
    chosen = np.unique(np.linspace(0, len(pictures) - 1, count).round().astype(int))
    return Pictures(
        x=pictures.x[chosen],
        y=pictures.y[chosen],
        mosaic=pictures.mosaic[chosen],
        person=pictures.person[chosen],
        paths=tuple(pictures.paths[index] for index in chosen),
    )
