"""The whole of an evaluation: data, figures, and what is written for other commands and for the eye."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_deid.atomic import write_json
from keras_deid.config import Config
from keras_deid.data.evaluation_examples import evaluation_examples
from keras_deid.data.prepared import PreparedDataset
from keras_deid.data.sources import open_source
from keras_deid.errors import UserError
from keras_deid.evaluation.evaluate import Evaluation, evaluate
from keras_deid.evaluation.faces_found import DETECTION_SIDE, LEAST_IOU, LEAST_SCORE, evaluation_detector
from keras_deid.evaluation.files import write_csv, write_grid
from keras_deid.evaluation.image_quality import BOX_CONTEXT
from keras_deid.evaluation.learned_metrics import LearnedMetrics
from keras_deid.evaluation.table import input_name

# Pictures restored at once; the figures do not depend on it.
BATCH_SIZE = 16
# Columns of the picture grid, as far as the data have them.
GRID_SOURCES = ("original", "mosaic", "bicubic", "restored")


def evaluate_data(
    generator: keras.Model,
    config: Config,
    split: str,
    out: Path,
    limit: int | None = None,
    progress: Callable[[int], object] = lambda pictures: None,
    learned: LearnedMetrics | None = None,
) -> dict[str, Any]:
    """Evaluates a generator on the data that a configuration names, and writes what comes out.

    Args:
        generator: maps float `(batch, height, width, 3)` in [-1, 1] to the same.
        config: its `data` and `deidentify` say what is evaluated.
        split: "train", "val" or "test".
        out: JSON file to write; a CSV of the scores of every picture and a PNG to look at are written beside it, under
            the same name.
        limit: only the first pictures of the split.
        progress: called with the number of pictures that each further step has done; see `count_pictures`.
        learned: LPIPS, FID and KID; None: without them.

    Returns:
        what was written to `out`: `Evaluation.figures`, with the settings, the data and the model they belong to.

    Raises:
        UserError: if `out` cannot be written, the data are missing or empty, or the generator does not fit them.
    """
    check_out(out)
    evaluation = evaluate_examples(generator, config, split, limit, progress, learned)
    figures = {**evaluation.figures(split), **describe(config, generator)}
    write_csv(out.with_suffix(".csv"), evaluation.rows)
    write_grid(out.with_suffix(".png"), _grid_columns(evaluation, input_name(figures)))
    write_json(out, figures)
    return figures


def evaluate_examples(
    generator: keras.Model,
    config: Config,
    split: str,
    limit: int | None = None,
    progress: Callable[[int], object] = lambda pictures: None,
    learned: LearnedMetrics | None = None,
) -> Evaluation:
    """Does what `evaluate_data` does, and writes nothing; see there."""
    examples = watched(evaluated_examples(config, split, limit), progress)
    return evaluate(generator, examples, config.deidentify, evaluation_detector(), learned)


def evaluated_examples(config: Config, split: str, limit: int | None = None) -> tf.data.Dataset:
    """Returns batches of `keras_deid.data.evaluation_examples`, of the first pictures if there is a limit.

    Raises:
        UserError: if the data are missing or empty.
    """
    examples = evaluation_examples(config.data, config.deidentify, split, BATCH_SIZE)
    return examples if limit is None else examples.unbatch().take(limit).batch(BATCH_SIZE)


def watched(examples: tf.data.Dataset, progress: Callable[[int], object]) -> Iterator[Mapping[str, np.ndarray]]:
    """Yields the batches of a data set; tells of each, once it is done with, how many pictures it had."""
    for batch in examples.as_numpy_iterator():
        yield batch
        progress(len(batch["x"]))


def describe(config: Config, generator: keras.Model) -> dict[str, Any]:
    """What figures belong to: `{"settings", "data", "model"}`."""
    return {
        "settings": {
            "deidentify": _describe_deidentification(config),
            "faces_found": {"iou": LEAST_IOU, "score": LEAST_SCORE, "enlarged_to": DETECTION_SIDE},
            "box": {"context": BOX_CONTEXT},
        },
        "data": _describe_data(config),
        "model": {"run": config.name, "parameters": generator.count_params()},
    }


def is_deidentified(config: Config) -> bool:
    """Whether the data come de-identified, as pairs do, so that `config.deidentify` says nothing about them."""
    return config.data.source in ("folders", "side_by_side", "unpaired_folders")


def count_pictures(config: Config, split: str, limit: int | None = None) -> int:
    """How many pictures `evaluate_data` will score.

    Raises:
        UserError: if the data are missing.
    """
    count = open_source(config.data, config.data.image_size).counts[split]
    return count if limit is None else min(limit, count)


def check_out(out: Path) -> None:
    """Finds out before the work whether its result can be written.

    Raises:
        UserError: if `out` is not named `*.json`, is a folder, or its folder does not exist.
    """
    if out.suffix != ".json":
        raise UserError(f"{out}: figures are written as JSON; choose a name that ends in .json")
    if not out.parent.is_dir():
        raise UserError(f"{out.parent}: no such folder; make it, or write {out.name} elsewhere")
    if out.is_dir():
        raise UserError(f"{out}: is a folder; give the name of a file")


def _describe_data(config: Config) -> dict[str, Any]:
    data = config.data.model_dump(mode="json", include={"source", "path", "image_size"})
    if config.data.source == "synthetic":
        return {**data, "synthetic": config.data.synthetic.model_dump(mode="json")}
    if config.data.source == "prepared" and config.data.path is not None:
        return {**data, "fingerprint": PreparedDataset.open(config.data.path).fingerprint}
    return data


def _describe_deidentification(config: Config) -> dict[str, Any] | None:
    """The settings that the figures depend on; None for pairs, which come de-identified."""
    if is_deidentified(config):
        return None
    return config.deidentify.model_dump(mode="json", exclude={"train_block_size"})


def _grid_columns(evaluation: Evaluation, input_name: str) -> dict[str, list[np.ndarray]]:
    sources = (source for source in GRID_SOURCES if source in evaluation.shown)
    return {input_name if source == "mosaic" else source: evaluation.shown[source] for source in sources}
