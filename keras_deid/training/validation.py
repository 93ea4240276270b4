"""Validation of a restorer at the end of an epoch: scores, and a grid of samples."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from keras_deid.evaluation.validation_scores import VALIDATION_METRICS, validation_scores
from keras_deid.models.pixels import to_signed, to_uint8
from keras_deid.report.picture_grid import picture_grid, write_grid


class RestorerValidation:
    """Restores the validation pictures, scores them and shows the first ones.

    Args:
        run: the run's folder; the grids go into `samples/`.
        examples: batches of `evaluation_examples`, held in memory; may be empty.
        samples: number of pictures shown.
    """

    def __init__(self, run: Path, examples: list[dict[str, tf.Tensor]], samples: int) -> None:
        self._folder = run / "samples"
        self._examples = examples
        self._samples = samples

    def __call__(self, model: Any, epoch: int, writer: Any) -> dict[str, float]:
        """Returns the mean of each score over the pictures that have it."""
        scores: dict[str, list[np.ndarray]] = {name: [] for name in VALIDATION_METRICS}
        shown: dict[str, list[np.ndarray]] = {"de-identified": [], "restored": [], "original": []}
        for batch in self._examples:
            x, y = batch["x"], batch["y"]
            restored = to_uint8(model.restorer(to_signed(x), training=False))
            for name, values in validation_scores(x, y, batch["mask"], restored).items():
                scores[name].append(np.asarray(values))
            for pictures, kept in zip((x, restored, y), shown.values(), strict=True):
                kept.extend(np.asarray(pictures)[: self._samples - len(kept)])
        if not self._examples:
            return {}
        self._folder.mkdir(exist_ok=True)
        write_grid(self._folder / f"epoch_{epoch:04d}.png", shown)
        with writer.as_default(step=model.steps_taken):
            tf.summary.image("validation", picture_grid(shown)[None])
        means = {name: np.concatenate(values) for name, values in scores.items()}
        return {name: float(np.nanmean(v)) for name, v in means.items() if not np.isnan(v).all()}
