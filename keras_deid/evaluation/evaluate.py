"""The whole of an evaluation: data, metrics, and what is written for other commands and for the eye."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_deid.atomic import write_json, write_text
from keras_deid.config import Config, shown_place
from keras_deid.data.evaluation_examples import evaluation_batch, evaluation_examples
from keras_deid.data.prepared import PreparedDataset
from keras_deid.data.sources import open_source
from keras_deid.evaluation.baselines import BICUBIC, INPUT
from keras_deid.evaluation.evaluation import ORIGINAL, RESTORED, Evaluation
from keras_deid.evaluation.evaluation_file import held_out, input_name
from keras_deid.evaluation.faces_found import DETECTION_SIDE, LEAST_IOU, LEAST_SCORE, evaluation_detector
from keras_deid.evaluation.image_quality import BOX_CONTEXT
from keras_deid.evaluation.learned_metrics import LearnedMetrics
from keras_deid.evaluation.scoring import score_pictures
from keras_deid.progress import Counter, Progress, silent
from keras_deid.report.picture_grid import write_grid

# Columns of the picture grid, as far as the data have them.
GRID_SOURCES = (ORIGINAL, INPUT, BICUBIC, RESTORED)


def evaluate_data(
    generator: keras.Model,
    config: Config,
    split: str,
    out: Path,
    limit: int | None = None,
    progress: Progress = silent,
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
        progress: called with the number of pictures done.
        learned: LPIPS, FID and KID; None: without them.

    Returns:
        what was written to `out`: `Evaluation.metrics`, with the settings, the data and the model they belong to.

    Raises:
        UserError: if `out` cannot be written, the data are missing or empty, or the generator does not fit them.
    """
    with held_out(out):
        counter = Counter(progress, count_pictures(config, split, limit), "evaluating pictures")
        examples = watched(evaluated_examples(config, split, limit), counter.add)
        evaluation = score_pictures(generator, examples, evaluation_detector(), learned)
        metrics = {**evaluation.metrics(split), **describe(config, generator)}
        write_text(out.with_suffix(".csv"), csv_text(evaluation))
        write_grid(out.with_suffix(".png"), _grid_columns(evaluation, input_name(metrics)))
        write_json(out, metrics)
        return metrics


def csv_text(evaluation: Evaluation) -> str:
    """Writes a line for each picture and source; a score that does not exist is an empty cell."""
    return evaluation.table().to_csv(index=False, float_format="%.6g", lineterminator="\n")


def evaluated_examples(config: Config, split: str, limit: int | None = None) -> tf.data.Dataset:
    """Returns batches of `keras_deid.data.evaluation_examples` with baselines; with a limit, the first pictures.

    Raises:
        UserError: if the data are missing or empty.
    """
    size = evaluation_batch(config.data.image_size)
    examples = evaluation_examples(config.data, config.deidentify, split, size, with_baselines=True)
    return examples if limit is None else examples.unbatch().take(limit).batch(size)


def watched(examples: tf.data.Dataset, done: Callable[[int], object]) -> Iterator[Mapping[str, np.ndarray]]:
    """Yields the batches of a data set; after each, calls `done` with its number of pictures."""
    for batch in examples.as_numpy_iterator():
        yield batch
        done(len(batch["x"]))


def describe(config: Config, generator: keras.Model) -> dict[str, Any]:
    """What metrics belong to: `{"settings", "data", "model"}`."""
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
    """How many pictures of a split are evaluated.

    Raises:
        UserError: if the data are missing.
    """
    count = open_source(config.data, config.data.image_size).counts[split]
    return count if limit is None else min(limit, count)


def _describe_data(config: Config) -> dict[str, Any]:
    data = config.data.model_dump(mode="json", include={"source", "path", "image_size"})
    if config.data.path is not None:
        data["path"] = shown_place(config.data.path)
    if config.data.source == "synthetic":
        return {**data, "synthetic": config.data.synthetic.model_dump(mode="json")}
    if config.data.source == "prepared" and config.data.path is not None:
        return {**data, "fingerprint": PreparedDataset.open(config.data.path).fingerprint}
    return data


def _describe_deidentification(config: Config) -> dict[str, Any] | None:
    """The settings that the metrics depend on; None for pairs, which come de-identified."""
    if is_deidentified(config):
        return None
    return config.deidentify.model_dump(mode="json", exclude={"train_block_size"})


def _grid_columns(evaluation: Evaluation, name_of_input: str) -> dict[str, list[np.ndarray]]:
    sources = (source for source in GRID_SOURCES if source in evaluation.shown)
    return {name_of_input if source == INPUT else source: evaluation.shown[source] for source in sources}
