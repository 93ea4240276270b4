"""A finished run as far as a comparison needs it: its configuration, its cost and the scores of every picture."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from keras_deid.comparison.summary_file import read_summary
from keras_deid.config import Config
from keras_deid.errors import UserError
from keras_deid.evaluation.evaluation import NOT_SCORES, ORIGINAL, RESTORED
from keras_deid.evaluation.evaluation_file import read_evaluation


@dataclass(frozen=True)
class Run:
    """A finished run.

    Attributes:
        label: what it is called, model and seed.
        folder: where it is.
        config: its configuration.
        summary: what `summary.json` holds.
        evaluation: what `evaluation.json` holds.
        paths: of the pictures, in the order of the scores.
        scores: by source ("original", "input", ..., "restored") and metric, float64 `(pictures,)` with NaN.
        history: the lines of `history.csv`.
    """

    label: str
    folder: Path
    config: Config
    summary: Mapping[str, Any]
    evaluation: Mapping[str, Any]
    paths: tuple[str, ...]
    scores: Mapping[str, Mapping[str, np.ndarray]]
    history: Sequence[Mapping[str, float]]

    @property
    def images_seen(self) -> int | None:
        """How many training pictures it saw, repetitions counted; None where the summary does not tell."""
        steps = self.summary.get("steps")
        return None if steps is None else int(steps) * self.config.training.batch_size

    @property
    def minutes(self) -> float | None:
        """How long it was trained, validation left out."""
        seconds = self.summary.get("seconds")
        return None if seconds is None else float(seconds) / 60

    def mean(self, source: str, metric: str) -> float | None:
        """A mean from `evaluation.json`, which also has metrics of a whole set of pictures (FID)."""
        means = {
            ORIGINAL: self.evaluation["original"],
            RESTORED: self.evaluation["restored"],
            **self.evaluation["baselines"],
        }
        value = means.get(source, {}).get(metric)
        return float(value) if isinstance(value, (int, float)) else None


def read_run(label: str, folder: Path, config: Config, evaluate: Callable[[Path, Config], Path]) -> Run:
    """Reads a finished run.

    Args:
        label: what to call it.
        folder: of the run.
        config: of the run.
        evaluate: evaluates a run whose own folder does not have the scores of the test split, given the folder and the
            configuration, and returns the JSON file that it wrote, beside which the CSV lies.

    Raises:
        UserError: if a file is missing or damaged.
    """
    file = folder / "evaluation.json"
    if not _has_scores_of_test_split(file):
        file = evaluate(folder, config)
    paths, scores = _read_scores(file.with_suffix(".csv"))
    return Run(
        label=label,
        folder=folder,
        config=config,
        summary=read_summary(folder),
        evaluation=read_evaluation(file),
        paths=paths,
        scores=scores,
        history=_read_history(folder / "history.csv"),
    )


def check_same_data(runs: Sequence[Run]) -> None:
    """Sees that all runs were evaluated on the same pictures, de-identified the same way, and scored alike.

    A prepared data set is known by its fingerprint, wherever it lies; settings that only one of two
    evaluations has are not compared.

    Raises:
        UserError: if they were not.
    """
    first = runs[0]
    for run in runs[1:]:
        for key, ours, theirs in _described(first.evaluation, run.evaluation):
            if ours != theirs:
                raise UserError(
                    f"{run.folder} and {first.folder} were evaluated on different data ({key} is {theirs!r} and "
                    f"{ours!r}): only models on the same pictures can be compared"
                )
        if run.paths != first.paths:
            raise UserError(
                f"{run.folder} and {first.folder} were evaluated on different data (the pictures in evaluation.csv): "
                "evaluate both again with keras-deid evaluate"
            )


def _described(one: Mapping[str, Any], other: Mapping[str, Any]) -> list[tuple[str, Any, Any]]:
    """Pairs up the data and the settings of two evaluations."""
    pairs = [(key, one.get(key), other.get(key)) for key in ("split", "images")]
    for part in ("data", "settings"):
        ours, theirs = one.get(part, {}), other.get(part, {})
        common = [key for key in ours if key in theirs]
        if part == "data" and "fingerprint" in common:
            common = [key for key in common if key in ("fingerprint", "image_size")]
        pairs += [(f"{part}.{key}", ours[key], theirs[key]) for key in common]
    return pairs


def _has_scores_of_test_split(file: Path) -> bool:
    """Whether a run was evaluated on its test split: `evaluate.py` may have left another split's, or a part's."""
    if not file.is_file() or not file.with_suffix(".csv").is_file():
        return False
    evaluation = read_evaluation(file)
    return {"baselines", RESTORED, ORIGINAL} <= set(evaluation) and evaluation.get("split") == "test"


def _read_scores(path: Path) -> tuple[tuple[str, ...], dict[str, dict[str, np.ndarray]]]:
    try:
        table = pd.read_csv(path, dtype={"path": str})
        metrics = [name for name in table if name not in NOT_SCORES]
        table[metrics] = table[metrics].astype(np.float64)
        scores = {
            str(source): {metric: rows[metric].to_numpy() for metric in metrics}
            for source, rows in table.groupby("source", sort=False)
        }
        paths = tuple(table.loc[table["source"] == RESTORED, "path"])
    except (OSError, ValueError, KeyError):
        raise UserError(f"{path}: is not readable as scores; evaluate the run again with keras-deid evaluate") from None
    if not paths:
        raise UserError(f"{path}: has no scores of restored pictures; evaluate the run again with keras-deid evaluate")
    return paths, scores


def _read_history(path: Path) -> list[dict[str, float]]:
    try:
        table = pd.read_csv(path, dtype=np.float64)
    except (OSError, ValueError):
        raise UserError(f"{path}: is not readable as a history of epochs; train the run again") from None
    return [{str(name): value for name, value in row.dropna().items()} for _, row in table.iterrows()]
