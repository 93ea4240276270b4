"""Training batches with faces hidden by draws from the catalogue, as the configuration asks for."""

from __future__ import annotations

import tensorflow as tf

from keras_deid.config import DataConfig, DeidentifyConfig
from keras_deid.data.photographs import Photographs, load_photographs
from keras_deid.data.repeats import with_repeats
from keras_deid.data.restorer_batches import restorer_batches
from keras_deid.data.step_plan import ALL_ROWS
from keras_deid.data.training_pictures import CACHE_LIMIT
from keras_deid.hiding.mixture import DEFAULT_WEIGHTS


def load_catalogue_pictures(data: DataConfig, cache_limit: int = CACHE_LIMIT) -> Photographs:
    """Loads the photographs of the training split, those with large faces several times in the list.

    Raises:
        UserError: as `load_photographs`.
    """
    return with_repeats(load_photographs(data, cache_limit))


def catalogue_batches(
    pictures: Photographs,
    data: DataConfig,
    deidentify: DeidentifyConfig,
    *,
    batch_size: int,
    seed: int,
    start_step: int = 0,
    rows: slice = ALL_ROWS,
) -> tf.data.Dataset:
    """Returns the batches of a training run; see `keras_deid.data.training_batches.training_batches`."""
    return restorer_batches(
        pictures,
        size=data.image_size[0],
        context=data.crop_context,
        weights=deidentify.weights or DEFAULT_WEIGHTS,
        batch_size=batch_size,
        seed=seed,
        start_step=start_step,
        rows=rows,
    )
