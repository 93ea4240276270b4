"""Are restored pictures of use as training data? A small network learns from them, and is tried on originals.

The task needs what de-identification hides, and no labels made by hand: where are the eyes, the nose and the corners of
the mouth? The detector says it of the originals. The same network learns it from original pictures, from the same ones
de-identified, and from the same ones restored; all are tried on original pictures of the test split. What
de-identification costs is the difference of the first two; how much of that restoration gives back is the share that
lies between the second and the third.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np

from keras_deid.atomic import write_json
from keras_deid.boxes import Box
from keras_deid.config import Config
from keras_deid.errors import UserError
from keras_deid.evaluation.evaluate import ORIGINAL, RESTORED, restore
from keras_deid.evaluation.face_windows import WINDOW, Windows, cut_windows
from keras_deid.evaluation.faces_found import evaluation_detector
from keras_deid.evaluation.floors import floors
from keras_deid.evaluation.job import check_out, count_pictures, describe, evaluated_examples, watched
from keras_deid.evaluation.landmarks import (
    LANDMARKS,
    LandmarkDetector,
    face_landmarks,
    mirror_landmarks,
    normalized_mean_errors,
)
from keras_deid.evaluation.table import input_name
from keras_deid.intervals import LEVEL, RESAMPLES
from keras_deid.models.pixels import to_signed

INPUT = "mosaic"
SOURCES = (ORIGINAL, INPUT, "bicubic", RESTORED)
METRICS = ("nme", "failure_rate")
# A face whose normalized mean error is above this counts as failed.
FAILURE = 0.1
SEEDS = 5
# Pictures to learn from: the first of the train split.
MOST_PICTURES = 2000

_NAMES = {"nme": "mean error (NME)", "failure_rate": f"failures (above {FAILURE:.0%})"}
_EPOCHS, _BATCH_SIZE, _LEARNING_RATE = 12, 128, 1e-3
# x and y of the middle of a window, in shares of its side: where the network looks for a landmark before it learns.
_MIDDLE = 0.5
# Windows that go through the network at a time when it is tried.
_PREDICTED = 1024


def evaluate_usefulness(
    generator: keras.Model,
    config: Config,
    out: Path,
    limit: int | None = None,
    progress: Callable[[int], object] = lambda pictures: None,
    seeds: int = SEEDS,
) -> dict[str, Any]:
    """Trains the small network on each kind of picture, tries it on originals, and writes what comes out.

    Args:
        generator: maps float `(batch, height, width, 3)` in [-1, 1] to the same.
        config: its `data` and `deidentify` say which pictures.
        out: JSON file to write.
        limit: only the first pictures of the train split and of the test split.
        progress: called with the number of pictures done; see `count_steps`.
        seeds: networks that are trained on each kind of picture.

    Returns:
        what was written to `out`: `{"train_pictures", "test_pictures", "seeds", "nme", "failure_rate", ...}` in which
        each of the two has what `recovered` returns, with the settings, the data and the model they belong to.

    Raises:
        UserError: if `out` cannot be written, the data are missing or the detector finds no face in them, or the
            generator does not fit them.
    """
    check_out(out)
    most = MOST_PICTURES if limit is None else min(limit, MOST_PICTURES)
    tried_on = _windows_of(None, config, "test", limit, progress)
    learned_from = _windows_of(generator, config, "train", most, progress)
    errors: dict[str, list[np.ndarray]] = {source: [] for source in learned_from.pixels}
    network = landmark_network()
    for seed in range(seeds):
        for source, pixels in learned_from.pixels.items():
            train_anew(network, pixels, learned_from.landmarks, seed)
            found = _landmarks_in(network, tried_on.pixels[ORIGINAL])
            errors[source].append(normalized_mean_errors(found, tried_on.landmarks, tried_on.face_size))
            progress(most)
    nme = {source: np.stack(of_seeds) for source, of_seeds in errors.items()}
    failed = {source: of_seeds > FAILURE for source, of_seeds in nme.items()}
    figures = {
        "train_pictures": len(np.unique(learned_from.picture)),
        "test_pictures": len(np.unique(tried_on.picture)),
        "seeds": seeds,
        "nme": recovered(nme, tried_on.picture),
        "failure_rate": recovered(failed, tried_on.picture),
        "level": LEVEL,
        "resamples": RESAMPLES,
        **describe(config, generator),
    }
    write_json(out, figures)
    return figures


def count_steps(config: Config, limit: int | None = None, seeds: int = SEEDS) -> int:
    """How many pictures `evaluate_usefulness` will report as done: restored ones, and those that networks learned from.

    Raises:
        UserError: if the data are missing.
    """
    most = MOST_PICTURES if limit is None else min(limit, MOST_PICTURES)
    trained = seeds * len(_sources(config)) * most
    return count_pictures(config, "train", most) + count_pictures(config, "test", limit) + trained


def usefulness_table(figures: Mapping[str, Any]) -> str:
    """Lays out what `evaluate_usefulness` returns, and says what it means.

    Returns:
        lines without a final newline.
    """
    lines = [
        f"landmarks found in {figures['test_pictures']} original test pictures by a small network, trained on "
        f"{figures['train_pictures']} pictures ({figures['seeds']} seeds; 95 % intervals; lower is better)",
        f"{'trained on':<12}" + "".join(f"  {_NAMES[metric]:>24}" for metric in METRICS),
    ]
    for source in figures[METRICS[0]]["values"]:
        cells = (_cell(figures[metric]["values"][source], figures[metric]["intervals"][source]) for metric in METRICS)
        name = input_name(figures) if source == INPUT else source
        lines.append(f"{name:<12}" + "".join(f"  {cell:>24}" for cell in cells))
    return "\n".join([*lines, *(_verdict(metric, figures[metric], input_name(figures)) for metric in METRICS)])


def _cell(value: float, interval: Sequence[float]) -> str:
    return f"{value:.3f} ({interval[0]:.3f} to {interval[1]:.3f})"


def _verdict(metric: str, figures: Mapping[str, Any], hidden: str) -> str:
    name = _NAMES[metric]
    lost, (low, high) = figures["lost"], figures["intervals"]["lost"]
    if figures["share"] is None:
        return (
            f"{name}: what the {hidden} adds cannot be told from nothing ({lost:.3f}, interval {low:.3f} to "
            f"{high:.3f}): a share given back would mean nothing"
        )
    share, (least, most) = figures["share"], figures["intervals"]["share"]
    return (
        f"{name}: the {hidden} adds {lost:.3f}; restoration takes {share:.0%} of it away "
        f"(interval {least:.0%} to {most:.0%})"
    )


def _windows_of(
    generator: keras.Model | None,
    config: Config,
    split: str,
    limit: int | None,
    progress: Callable[[int], object],
) -> Windows:
    """Windows of a split, of every source if a generator is given; of originals if not."""
    detector = evaluation_detector()

    def faces() -> Iterator[tuple[Mapping[str, np.ndarray], Box, np.ndarray]]:
        for batch in watched(evaluated_examples(config, split, limit), progress):
            sources = {ORIGINAL: batch["y"]}
            if generator is not None:
                sources |= {**floors(batch, config.deidentify), RESTORED: restore(generator, batch["x"])}
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


def _sources(config: Config) -> tuple[str, ...]:
    has_floors = config.deidentify.method == "mosaic" and config.data.source in ("prepared", "synthetic")
    return SOURCES if has_floors else tuple(source for source in SOURCES if source != "bicubic")


# ---- The small network -----------------------------------------------------------------------------------------------


def landmark_network() -> keras.Model:
    """Builds three convolutions and two dense layers that tell where the landmarks are.

    Returns:
        a compiled model from float windows `(batch, WINDOW, WINDOW, 3)` in [-1, 1] to `(batch, 2 * LANDMARKS)`: x and y
        of each landmark from the middle of the window, in shares of its side.
    """
    convolutions = (
        keras.layers.Conv2D(filters, 3, strides=2, padding="same", activation="relu", name=f"conv_{filters}")
        for filters in (16, 32, 64)
    )
    network = keras.Sequential(
        [
            keras.Input((WINDOW, WINDOW, 3), name="window"),
            *convolutions,
            keras.layers.Flatten(name="features"),
            keras.layers.Dense(64, activation="relu", name="hidden"),
            keras.layers.Dense(2 * LANDMARKS, name="landmarks"),
        ],
        name="landmarks",
    )
    network.compile(keras.optimizers.Adam(_LEARNING_RATE), keras.losses.MeanAbsoluteError(), jit_compile=False)
    network.optimizer.build(network.trainable_variables)
    return network


def train_anew(network: keras.Model, pixels: np.ndarray, landmarks: np.ndarray, seed: int) -> None:
    """Trains a network from new weights, on windows and their mirrors.

    The compiled network is kept: to trace a new one each time would take longer than the training.

    Args:
        network: of `landmark_network`.
        pixels: uint8 `(windows, WINDOW, WINDOW, 3)`.
        landmarks: float `(windows, LANDMARKS, 2)`, as `Windows` has them.
        seed: of the weights and of the order: the same for the same seed, whatever the network has learned before.
    """
    keras.utils.set_random_seed(seed)
    network.set_weights(keras.models.clone_model(network).get_weights())
    for variable in network.optimizer.variables:
        variable.assign(keras.ops.zeros_like(variable))
    network.optimizer.learning_rate = _LEARNING_RATE
    inputs = keras.ops.convert_to_numpy(to_signed(np.concatenate([pixels, pixels[:, :, ::-1]])))
    targets = np.concatenate([landmarks, mirror_landmarks(landmarks)]).reshape(len(inputs), -1) - _MIDDLE
    network.fit(inputs, targets.astype("float32"), _BATCH_SIZE, _EPOCHS, verbose=0)


def _landmarks_in(network: keras.Model, pixels: np.ndarray) -> np.ndarray:
    """Returns float `(windows, LANDMARKS, 2)`, as `Windows` has them."""
    batches = (pixels[start : start + _PREDICTED] for start in range(0, len(pixels), _PREDICTED))
    found = np.concatenate([keras.ops.convert_to_numpy(network(to_signed(batch))) for batch in batches])
    return found.reshape(-1, LANDMARKS, 2) + _MIDDLE


# ---- What it says ----------------------------------------------------------------------------------------------------


def recovered(errors: Mapping[str, np.ndarray], picture: np.ndarray, seed: int = 0) -> dict[str, Any]:
    """How much of the error that de-identification adds restoration takes away again.

    Args:
        errors: by what the networks were trained on (`SOURCES`), `(seeds, windows)` on the same windows; lower is
            better.
        picture: int `(windows,)`, which picture each is from.
        seed: of the resampling.

    Returns:
        `{"values": {source: ...}, "lost", "share", "intervals": {source: [low, high], ..., "lost", "share"}}`, values
        means over seeds and windows; lost is mosaic - original, above 0 where the mosaic makes things worse; share is
        (mosaic - restored) / (mosaic - original), 1 if all is given back. Seeds and pictures are resampled together.
        share is None where the interval of lost does not lie above 0: it would be a number divided by chance.
    """
    random = np.random.default_rng(seed)
    _, of_picture = np.unique(picture, return_inverse=True)
    pictures, seeds = of_picture.max() + 1, len(next(iter(errors.values())))
    weights = random.multinomial(pictures, np.full(pictures, 1 / pictures), RESAMPLES)[:, of_picture]
    seed_weights = random.multinomial(seeds, np.full(seeds, 1 / seeds), RESAMPLES) / seeds
    values = {source: float(of_source.mean()) for source, of_source in errors.items()}
    resampled = {
        source: (weights @ of_source.T / weights.sum(axis=1, keepdims=True) * seed_weights).sum(axis=1)
        for source, of_source in errors.items()
    }
    lost = resampled[INPUT] - resampled[ORIGINAL]
    intervals = {source: _interval(of_source) for source, of_source in resampled.items()} | {"lost": _interval(lost)}
    means_something = intervals["lost"][0] > 0
    loss = values[INPUT] - values[ORIGINAL]
    with np.errstate(divide="ignore", invalid="ignore"):
        shares = (resampled[INPUT] - resampled[RESTORED]) / lost
    return {
        "values": values,
        "lost": loss,
        "share": (values[INPUT] - values[RESTORED]) / loss if means_something else None,
        "intervals": {**intervals, "share": _interval(shares[lost > 0]) if means_something else None},
    }


def _interval(values: np.ndarray) -> list[float]:
    low, high = np.quantile(values, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return [float(low), float(high)]
