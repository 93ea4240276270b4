"""The examples of a split with faces hidden by draws from the catalogue, the same ones in every evaluation."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from keras_deid.config import DataConfig, DeidentifyConfig
from keras_deid.data.photographs import read_photographs
from keras_deid.data.restorer_batches import first_face, hidden_crop
from keras_deid.data.sources import Example
from keras_deid.hiding.mixture import DEFAULT_WEIGHTS

_SEED = 2026


def catalogue_examples(data: DataConfig, deidentify: DeidentifyConfig, split: str) -> Iterator[Example]:
    """Yields the crops of a split as pairs, in a stable order; `boxes` holds the face in the crop.

    Args:
        data: where the photographs are; `image_size` and `crop_context` say how they are cut.
        deidentify: its `weights`.
        split: `"train"`, `"val"` or `"test"`.

    Raises:
        UserError: as `read_photographs`.
    """
    size, weights = data.image_size[0], deidentify.weights or DEFAULT_WEIGHTS
    for number, photograph in enumerate(read_photographs(data, split)):
        rng = np.random.default_rng([_SEED, number])
        crop = hidden_crop(photograph.pixels, first_face(photograph), size, data.crop_context, rng, weights)
        picture = np.dstack([crop.hidden, crop.original, (crop.mask > 0.5).astype(np.uint8)])
        yield Example(photograph.path, picture, np.array([crop.face], np.float32), has_person=False)
