"""Are restored pictures useful as training data? A small network learns from them and is tested on originals.

The task needs what de-identification hides, and no labels made by hand: where are the eyes, the nose and the corners of
the mouth? The detector says it of the originals. The same network learns it from original pictures, from the same ones
de-identified, and from the same ones restored; all are tried on original pictures of the test split. What
de-identification costs is the difference of the first two; how much of that restoration gives back is the
fraction that lies between the second and the third.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np

from keras_deid.atomic import write_json
from keras_deid.boxes import Box
from keras_deid.config import Config
from keras_deid.errors import UserError
from keras_deid.evaluation.baselines import BICUBIC, INPUT, baselines
from keras_deid.evaluation.evaluate import count_pictures, describe, evaluated_examples, watched
from keras_deid.evaluation.evaluation import ORIGINAL, RESTORED
from keras_deid.evaluation.evaluation_file import held_out
from keras_deid.evaluation.face_windows import Windows, cut_windows
from keras_deid.evaluation.faces_found import evaluation_detector
from keras_deid.evaluation.landmark_network import find_landmarks, landmark_network, train_anew
from keras_deid.evaluation.landmarks import LandmarkDetector, face_landmarks, normalized_mean_errors
from keras_deid.evaluation.recovered import recovered
from keras_deid.evaluation.scoring import restore
from keras_deid.progress import Counter, Progress, silent
from keras_deid.statistics import LEVEL, RESAMPLES

SOURCES = (ORIGINAL, INPUT, BICUBIC, RESTORED)
OUTCOMES = ("nme", "failure_rate")
# A face whose normalized mean error is above this counts as failed.
FAILURE = 0.1
SEEDS = 5
# Pictures to learn from: the first of the train split.
MOST_PICTURES = 2000


def evaluate_usefulness(
    generator: keras.Model,
    config: Config,
    out: Path,
    limit: int | None = None,
    progress: Progress = silent,
    seeds: int = SEEDS,
) -> dict[str, Any]:
    """Trains the small network on each kind of picture, tries it on originals, and writes what comes out.

    Args:
        generator: maps float `(batch, height, width, 3)` in [-1, 1] to the same.
        config: its `data` and `deidentify` say which pictures.
        out: JSON file to write.
        limit: only the first pictures of the train split and of the test split.
        progress: called with the number of pictures restored, then with that of networks trained.
        seeds: networks that are trained on each kind of picture.

    Returns:
        what was written to `out`: `{"train_pictures", "test_pictures", "seeds", "nme", "failure_rate", ...}` in which
        each of the two has what `recovered` returns, with the settings, the data and the model they belong to.

    Raises:
        UserError: if `out` cannot be written, the data are missing or the detector finds no face in them, or the
            generator does not fit them.
    """
    with held_out(out):
        most = MOST_PICTURES if limit is None else min(limit, MOST_PICTURES)
        tried_on = _windows_of(None, config, "test", limit, progress)
        learned_from = _windows_of(generator, config, "train", most, progress)
        errors: dict[str, list[np.ndarray]] = {source: [] for source in learned_from.pixels}
        network = landmark_network()
        trained = Counter(progress, seeds * len(errors), "training networks")
        for seed in range(seeds):
            for source, pixels in learned_from.pixels.items():
                train_anew(network, pixels, learned_from.landmarks, seed)
                found = find_landmarks(network, tried_on.pixels[ORIGINAL])
                errors[source].append(normalized_mean_errors(found, tried_on.landmarks, tried_on.face_size))
                trained.add(1)
        nme = {source: np.stack(of_seeds) for source, of_seeds in errors.items()}
        failed = {source: of_seeds > FAILURE for source, of_seeds in nme.items()}
        usefulness = {
            "train_pictures": len(np.unique(learned_from.picture)),
            "test_pictures": len(np.unique(tried_on.picture)),
            "seeds": seeds,
            "nme": recovered(nme, tried_on.picture),
            "failure_rate": recovered(failed, tried_on.picture),
            "level": LEVEL,
            "resamples": RESAMPLES,
            **describe(config, generator),
        }
        write_json(out, usefulness)
        return usefulness


def _windows_of(
    generator: keras.Model | None,
    config: Config,
    split: str,
    limit: int | None,
    progress: Progress,
) -> Windows:
    """Windows of a split, of every source if a generator is given; of originals if not."""
    detector = evaluation_detector()
    counter = Counter(progress, count_pictures(config, split, limit), f"finding faces, {split} split")

    def faces() -> Iterator[tuple[Mapping[str, np.ndarray], Box, np.ndarray]]:
        for batch in watched(evaluated_examples(config, split, limit), counter.add):
            sources = {ORIGINAL: batch["y"]}
            if generator is not None:
                sources |= {**baselines(batch), RESTORED: restore(generator, batch["x"])}
            for index, box, landmarks in labelled(detector, batch):
                yield {source: sources[source][index] for source in SOURCES if source in sources}, box, landmarks

    windows = cut_windows(faces())
    if not windows.pixels:
        raise UserError(
            f"--usefulness: the detector finds no face again in the original pictures of the {split} split, so that "
            "there are no landmarks to learn; choose data in which it does (original.faces_found of the evaluation)"
        )
    return windows


def labelled(detector: LandmarkDetector, batch: Mapping[str, np.ndarray]) -> Iterator[tuple[int, Box, np.ndarray]]:
    """Labels the original pictures of a batch.

    Args:
        detector: finds landmarks.
        batch: of `keras_deid.data.evaluation_examples`: "y" uint8 `(batch, height, width, 3)`, the originals;
            "box" float32 `(batch, 4)`, their faces, in pixels.

    Yields:
        number in the batch, box and landmarks (float `(LANDMARKS, 2)`, pixels) of each face that the detector finds.
    """
    for index, (original, box) in enumerate(zip(batch["y"], batch["box"].tolist(), strict=True)):
        landmarks = face_landmarks(detector, original, tuple(box))
        if landmarks is not None:
            yield index, tuple(box), landmarks
