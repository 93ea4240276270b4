"""Quality against block size: the same pictures, de-identified more and less strongly than in training."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np

from keras_deid.atomic import write_json
from keras_deid.comparison.metrics import PRIMARY
from keras_deid.comparison.runs import RESTORED, read_json
from keras_deid.config import Config
from keras_deid.data.evaluation_examples import evaluation_examples
from keras_deid.evaluation.blocks import with_block
from keras_deid.evaluation.evaluate import restore
from keras_deid.evaluation.floors import floors
from keras_deid.evaluation.image_quality import as_region, psnr
from keras_deid.evaluation.job import is_deidentified

# Strengths that are tried, in multiples of `deidentify.block_size`.
FACTORS = (0.5, 0.75, 1.0, 1.25, 1.5, 2.0)
# First pictures of the test split that are measured at each strength: the curve needs no more.
PICTURES = 64
_BATCH_SIZE = 16

# By source ("mosaic", ..., "restored"): (strength, mean PSNR in the mask in dB), from the weakest on.
Curves = dict[str, list[tuple[float, float]]]


def has_blocks(config: Config) -> bool:
    """Tells whether the strength can be chosen: pairs come de-identified, and a solid box has none."""
    return not is_deidentified(config) and config.deidentify.method != "box"


def evaluated_curves(runs: Sequence[Path]) -> list[Curves] | None:
    """Reads what `evaluate.py --blocks` has written in the runs' folders.

    Returns:
        the curves of each run; None unless all have them, of their present weights, on the same pictures and at the
        same strengths.
    """
    files = [run / "evaluation_blocks.json" for run in runs]
    if not all(_is_newer(file, file.with_name("generator.keras")) for file in files):
        return None
    found = [read_json(file) for file in files]
    if any(_measured(figures) != _measured(found[0]) or figures["split"] != "test" for figures in found):
        return None
    return [_curves_of(figures) for figures in found]


def measured_curves(run: Path, config: Config, load: Callable[[Path], keras.Model], kept: Path) -> Curves:
    """Measures a run at each strength, or reads what was measured before of the same weights.

    Args:
        run: its folder.
        config: its configuration; see `has_blocks`.
        load: loads its generator.
        kept: JSON file that keeps the result.
    """
    key = {
        "generator": hashlib.sha256((run / "generator.keras").read_bytes()).hexdigest(),
        "deidentify": config.deidentify.model_dump(mode="json"),
        "factors": list(FACTORS),
        "pictures": PICTURES,
    }
    if kept.is_file():
        found = read_json(kept)
        if found.get("of") == key:
            return {source: [(x, y) for x, y in points] for source, points in found["curves"].items()}
    curves = quality_against_blocks(load(run), config)
    write_json(kept, {"of": key, "curves": curves})
    return curves


def quality_against_blocks(generator: keras.Model, config: Config) -> Curves:
    """Restores the first test pictures at each strength and measures PSNR in the mask, of the floors as well.

    Args:
        generator: maps float `(batch, height, width, 3)` in [-1, 1] to the same.
        config: its `data` and `deidentify` say what is restored.

    Returns:
        the curves; a strength at which no picture has a score is left out.
    """
    curves: Curves = {}
    for factor in FACTORS:
        strength = config.deidentify.block_size * factor
        deidentify = with_block(config, strength).deidentify
        examples = evaluation_examples(config.data, deidentify, "test", _BATCH_SIZE)
        found: dict[str, list[float]] = {}
        for batch in examples.unbatch().take(PICTURES).batch(_BATCH_SIZE).as_numpy_iterator():
            pictures = {**floors(batch, deidentify), RESTORED: restore(generator, batch["x"])}
            for source, scores in _scores(batch, pictures).items():
                found.setdefault(source, []).extend(scores)
        for source, scores in found.items():
            if not np.isnan(scores).all():
                curves.setdefault(source, []).append((strength, float(np.nanmean(scores))))
    return curves


def _scores(batch: Mapping[str, Any], pictures: Mapping[str, np.ndarray]) -> dict[str, list[float]]:
    return {
        source: [
            psnr(original, picture, as_region(mask, original))
            for original, picture, mask in zip(batch["y"], restored, batch["mask"], strict=True)
        ]
        for source, restored in pictures.items()
    }


def _is_newer(file: Path, weights: Path) -> bool:
    return file.is_file() and file.stat().st_mtime >= weights.stat().st_mtime


def _measured(figures: Mapping[str, Any]) -> tuple[Any, ...]:
    """What has to be alike for two files to be about the same."""
    data = {key: value for key, value in figures["data"].items() if key != "path"}
    return figures["split"], figures["images"], data, [part["block"] for part in figures["blocks"]]


def _curves_of(figures: Mapping[str, Any]) -> Curves:
    curves: Curves = {}
    for part in figures["blocks"]:
        for source, means in {**part["inputs"], RESTORED: part["restored"]}.items():
            if means.get(PRIMARY) is not None:
                curves.setdefault(source, []).append((part["block"], means[PRIMARY]))
    return curves
