"""Quality against block size: one model, the same pictures, one strength of the de-identification after the other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from keras_deid.atomic import write_bytes, write_json, write_text
from keras_deid.config import Config
from keras_deid.errors import UserError
from keras_deid.evaluation.baselines import INPUT
from keras_deid.evaluation.evaluate import count_pictures, describe, evaluated_examples, is_deidentified, watched
from keras_deid.evaluation.evaluation import RESTORED
from keras_deid.evaluation.evaluation_file import SCHEMA, held_out, input_name
from keras_deid.evaluation.faces_found import Detector
from keras_deid.evaluation.metrics import Metric
from keras_deid.evaluation.scoring import score_pictures
from keras_deid.progress import Counter, Progress, silent
from keras_deid.report.images import figure_png

CSV_COLUMNS = ("block", "source", "metric", "value", "low", "high")
# Metrics that have a panel in the picture.
PANELS = ("psnr_mask", "ssim_mask", "faces_found")
_OF_BLOCK = ("baselines", "restored", "original", "intervals")
_UNITS = {"face": "face widths", "pixels": "pixels"}


def evaluate_blocks(
    generator: keras.Model,
    config: Config,
    split: str,
    blocks: Sequence[float],
    out: Path,
    detector: Detector | None,
    limit: int | None = None,
    progress: Progress = silent,
) -> dict[str, Any]:
    """Evaluates a generator at several strengths of de-identification, and writes what comes out.

    Args:
        generator: maps float `(batch, height, width, 3)` in [-1, 1] to the same.
        config: its `data` and `deidentify` say what is evaluated; each of `blocks` takes the place of the block size.
        split: "train", "val" or "test".
        blocks: sizes of a mosaic block (or blur sigmas), > 0, in the unit of the configuration.
        out: JSON file to write; a CSV and a PNG are written beside it, under the same name.
        detector: finds faces, for faces_found; None: without it.
        limit: only the first pictures of the split.
        progress: called with the number of pictures done, each counted once for every block.

    Returns:
        what was written to `out`: `{"schema", "split", "images", "unit", "blocks": [{"block", "baselines", "restored",
        "original", "intervals"}, ...]}`, blocks in ascending order and each in the form of `evaluation.json`, with the
        settings, the data and the model they belong to.

    Raises:
        UserError: as `keras_deid.evaluation.evaluate.evaluate_data`; if the pictures are hidden by something without a
            strength: a box, or pairs that came de-identified.
    """
    with held_out(out):
        check_blocks(config)
        blocks = sorted(set(blocks))
        counter = Counter(progress, len(blocks) * count_pictures(config, split, limit), "evaluating pictures")
        parts = []
        for block in blocks:
            examples = watched(evaluated_examples(with_block(config, block), split, limit), counter.add)
            metrics = score_pictures(generator, examples, detector).metrics(split)
            parts.append({"block": block, **metrics})
        study = {
            "schema": SCHEMA,
            **{key: parts[0][key] for key in ("split", "images")},
            **describe(config, generator),
            "unit": config.deidentify.unit,
            "blocks": [{key: part[key] for key in ("block", *_OF_BLOCK)} for part in parts],
        }
        del study["settings"]["deidentify"]["block_size"]
        values = values_of(study)
        write_text(out.with_suffix(".csv"), values.to_csv(index=False, float_format="%.6g", lineterminator="\n"))
        write_bytes(out.with_suffix(".png"), _png(study, values))
        write_json(out, study)
        return study


def with_block(config: Config, block: float) -> Config:
    """Returns the configuration with another strength of the mosaic at evaluation."""
    deidentify = config.deidentify.model_copy(update={"block_size": block})
    return config.model_copy(update={"deidentify": deidentify})


def has_blocks(config: Config) -> bool:
    """Whether the strength can be chosen: not for pairs, a solid box, or what the catalogue draws."""
    return not is_deidentified(config) and config.deidentify.method in ("mosaic", "blur")


def check_blocks(config: Config) -> None:
    """Finds out before the work whether the pictures are hidden by something that has a strength.

    Raises:
        UserError: if they are not.
    """
    if is_deidentified(config):
        raise UserError("--blocks: pairs come de-identified, with a block of their own; give a prepared set (--data)")
    if not has_blocks(config):
        what = "a box has no strength" if config.deidentify.method == "box" else "the catalogue draws each strength"
        raise UserError(f"--blocks: {what}; give deidentify.method=mosaic or deidentify.method=blur")


def values_of(study: Mapping[str, Any]) -> pd.DataFrame:
    """Lays a study out as a long table with `CSV_COLUMNS`, without values that do not exist.

    Args:
        study: what `evaluate_blocks` returns.
    """
    rows = []
    for part in study["blocks"]:
        intervals = {**part["intervals"]["baselines"], RESTORED: part["intervals"][RESTORED]}
        for source, means in {**part["baselines"], RESTORED: part[RESTORED]}.items():
            for metric, value in means.items():
                low, high = intervals[source][metric] or (np.nan, np.nan)
                rows.append((part["block"], source, metric, value, low, high))
    return pd.DataFrame(rows, columns=CSV_COLUMNS).dropna(subset="value")


def _png(study: Mapping[str, Any], values: pd.DataFrame) -> bytes:
    figure = Figure(figsize=(4.2 * len(PANELS), 3.6), layout="constrained")
    for axes, metric in zip(figure.subplots(1, len(PANELS)), PANELS, strict=True):
        for source, points in values[values["metric"] == metric].groupby("source", sort=False):
            (line,) = axes.plot(
                points["block"],
                points["value"],
                label=input_name(study) if source == INPUT else source,
                marker="o",
                linewidth=2.2 if source == RESTORED else 1.2,
                linestyle="-" if source == RESTORED else "--",
            )
            bounds = (points[bound].fillna(points["value"]) for bound in ("low", "high"))
            axes.fill_between(points["block"], *bounds, color=line.get_color(), alpha=0.15, linewidth=0)
        axes.set(xlabel=f"block, {_UNITS[study['unit']]}", ylabel=Metric.of(metric).heading)
        axes.grid(alpha=0.3)
    figure.axes[0].legend()
    return figure_png(figure)
