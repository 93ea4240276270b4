"""Quality against block size for the comparison's plot: read where it was measured, measured briefly where not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import keras

from keras_deid.config import Config
from keras_deid.evaluation.block_study import evaluate_blocks, values_of
from keras_deid.evaluation.evaluate import describe
from keras_deid.evaluation.evaluation_file import is_current, read_study
from keras_deid.evaluation.metrics import PRIMARY

# Strengths that are tried, in multiples of that of the evaluation.
FACTORS = (0.5, 0.75, 1.0, 1.25, 1.5, 2.0)
# First pictures of the test split that are measured at each strength: the curve needs no more.
PICTURES = 64

# By source ("input", ..., "restored"): (strength, mean PSNR in the mask in dB), from the weakest on.
Curves = dict[str, list[tuple[float, float]]]


def evaluated_curves(runs: Sequence[Path]) -> list[Curves] | None:
    """Reads what `keras-deid evaluate --blocks` has written in the runs' folders.

    Returns:
        the curves of each run; None unless all have them, of their present weights, on the same pictures and at the
        same strengths.
    """
    files = [run / "evaluation_blocks.json" for run in runs]
    if not all(is_current(file, file.parent) for file in files):
        return None
    studies = [read_study(file) for file in files]
    if any(_measured(study) != _measured(studies[0]) or study["split"] != "test" for study in studies):
        return None
    return [_curves_of(study) for study in studies]


def measured_curves(run: Path, config: Config, generator: keras.Model, kept: Path) -> Curves:
    """Measures a run on a few pictures, without looking for faces, or reads what was measured of the same weights.

    Args:
        run: its folder.
        config: its configuration; see `keras_deid.evaluation.block_study.has_blocks`.
        generator: of the run.
        kept: JSON file that keeps the result.
    """
    blocks = sorted(config.deidentify.block_size * factor for factor in FACTORS)
    if is_current(kept, run):
        study = read_study(kept)
        of_blocks = [part["block"] for part in study["blocks"]]
        if of_blocks == blocks and study["settings"] | study["data"] == _settings(config, generator):
            return _curves_of(study)
    return _curves_of(evaluate_blocks(generator, config, "test", blocks, kept, None, PICTURES))


def _settings(config: Config, generator: keras.Model) -> dict[str, Any]:
    described = describe(config, generator)
    del described["settings"]["deidentify"]["block_size"]
    return described["settings"] | described["data"]


def _measured(study: Mapping[str, Any]) -> tuple[Any, ...]:
    """Returns what two studies must agree in to be comparable."""
    data = {key: value for key, value in study["data"].items() if key != "path"}
    return study["split"], study["images"], data, [part["block"] for part in study["blocks"]]


def _curves_of(study: Mapping[str, Any]) -> Curves:
    values = values_of(study)
    points = values[values["metric"] == PRIMARY].groupby("source", sort=False)
    return {str(source): list(zip(of["block"], of["value"], strict=True)) for source, of in points}
