"""Are restored pictures of use as training data? A small network learns from them, and is tried on originals.

The task asks for no labels but the face's box: is this window a face, or some other part of the picture? The same
network learns it from original pictures, from the same ones de-identified, and from the same ones restored; all are
tried on original pictures of the test split. What de-identification costs is the difference of the first two; how much
of that restoration gives back is the share that lies between the second and the third.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np

from keras_deid.config import Config
from keras_deid.errors import UserError
from keras_deid.evaluation.evaluate import ORIGINAL, RESTORED, restore
from keras_deid.evaluation.face_windows import WINDOW, Windows, cut_windows
from keras_deid.evaluation.files import write_json
from keras_deid.evaluation.floors import floors
from keras_deid.evaluation.job import check_out, count_pictures, describe, evaluated_examples, watched
from keras_deid.evaluation.table import input_name
from keras_deid.intervals import LEVEL, RESAMPLES
from keras_deid.models.pixels import to_signed

INPUT = "mosaic"
SOURCES = (ORIGINAL, INPUT, "bicubic", RESTORED)
METRICS = ("average_precision", "accuracy")
SEEDS = 5
# Pictures to learn from: the first of the train split.
MOST_PICTURES = 2000
# How the windows for learning are cut: moved by up to this share of their side, and this many of each face.
JITTER = 0.1
FACE_WINDOWS = 2

_EPOCHS, _BATCH_SIZE, _LEARNING_RATE = 6, 128, 1e-3
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
        what was written to `out`: `{"train_pictures", "test_pictures", "seeds", "average_precision", "accuracy", ...}`
        in which each of the two has what `recovered` returns, with the settings, the data and the model they belong to.

    Raises:
        UserError: if `out` cannot be written, the data are missing or have no faces, or the generator does not fit
            them.
    """
    check_out(out)
    most = MOST_PICTURES if limit is None else min(limit, MOST_PICTURES)
    learned_from = _windows_of(generator, config, "train", most, progress)
    tried_on = _windows_of(None, config, "test", limit, progress)
    for windows, split in ((learned_from, "train"), (tried_on, "test")):
        if not windows.is_face.any():
            raise UserError(f"--usefulness: the {split} split has no face with room for background beside it")
    logits: dict[str, list[np.ndarray]] = {source: [] for source in learned_from.pixels}
    network = face_network()
    for seed in range(seeds):
        for source, pixels in learned_from.pixels.items():
            train_anew(network, pixels, learned_from.is_face, seed)
            logits[source].append(_logits(network, tried_on.pixels[ORIGINAL]))
            progress(most)
    stacked = {source: np.stack(of_seeds) for source, of_seeds in logits.items()}
    figures = {
        "train_pictures": len(np.unique(learned_from.picture)),
        "test_pictures": len(np.unique(tried_on.picture)),
        "seeds": seeds,
        **{metric: recovered(metric, stacked, tried_on.is_face, tried_on.picture) for metric in METRICS},
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
        f"faces told from background in {figures['test_pictures']} original test pictures by a small network, trained "
        f"on {figures['train_pictures']} pictures ({figures['seeds']} seeds; 95 % intervals)",
        f"{'trained on':<12}" + "".join(f"  {metric.replace('_', ' '):>24}" for metric in METRICS),
    ]
    for source in figures[METRICS[0]]["values"]:
        cells = (_cell(figures[metric]["values"][source], figures[metric]["intervals"][source]) for metric in METRICS)
        name = input_name(figures) if source == INPUT else source
        lines.append(f"{name:<12}" + "".join(f"  {cell:>24}" for cell in cells))
    return "\n".join([*lines, *(_verdict(metric, figures[metric], input_name(figures)) for metric in METRICS)])


def _cell(value: float, interval: Sequence[float]) -> str:
    return f"{value:.3f} ({interval[0]:.3f} to {interval[1]:.3f})"


def _verdict(metric: str, figures: Mapping[str, Any], hidden: str) -> str:
    name = metric.replace("_", " ")
    lost, (low, high) = figures["lost"], figures["intervals"]["lost"]
    if figures["share"] is None:
        return (
            f"{name}: what the {hidden} loses cannot be told from nothing ({lost:.3f}, interval {low:.3f} to "
            f"{high:.3f}): a share given back would mean nothing"
        )
    share, (least, most) = figures["share"], figures["intervals"]["share"]
    return (
        f"{name}: the {hidden} loses {lost:.3f}; restoration gives {share:.0%} of it back "
        f"(interval {least:.0%} to {most:.0%})"
    )


def _windows_of(
    generator: keras.Model | None,
    config: Config,
    split: str,
    limit: int | None,
    progress: Callable[[int], object],
) -> Windows:
    """Windows of a split, moved about a little and of every source if a generator is given; of originals if not."""

    def examples() -> Iterable[tuple[Mapping[str, np.ndarray], np.ndarray]]:
        for batch in watched(evaluated_examples(config, split, limit), progress):
            sources = {ORIGINAL: batch["y"]}
            if generator is not None:
                sources |= {**floors(batch, config.deidentify), RESTORED: restore(generator, batch["x"])}
            for index, boxes in enumerate(batch["boxes"]):
                yield {source: sources[source][index] for source in SOURCES if source in sources}, boxes

    return cut_windows(examples(), *((0.0, 1) if generator is None else (JITTER, FACE_WINDOWS)))


def _sources(config: Config) -> tuple[str, ...]:
    has_floors = config.deidentify.method == "mosaic" and config.data.source in ("prepared", "synthetic")
    return SOURCES if has_floors else tuple(source for source in SOURCES if source != "bicubic")


# ---- The small network -----------------------------------------------------------------------------------------------


def face_network() -> keras.Model:
    """Builds three convolutions and a dense layer that tell faces from background.

    Returns:
        a compiled model from float windows `(batch, WINDOW, WINDOW, 3)` in [-1, 1] to logits `(batch, 1)`.
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
            keras.layers.Dense(1, name="logit"),
        ],
        name="face_or_background",
    )
    loss = keras.losses.BinaryCrossentropy(from_logits=True)
    network.compile(keras.optimizers.Adam(_LEARNING_RATE), loss, jit_compile=False)
    network.optimizer.build(network.trainable_variables)
    return network


def train_anew(network: keras.Model, pixels: np.ndarray, is_face: np.ndarray, seed: int) -> None:
    """Trains a network from new weights, on windows and their mirrors.

    The compiled network is kept: to trace a new one each time would take longer than the training.

    Args:
        network: of `face_network`.
        pixels: uint8 `(windows, WINDOW, WINDOW, 3)`.
        is_face: bool `(windows,)`.
        seed: of the weights and of the order: the same for the same seed, whatever the network has learned before.
    """
    keras.utils.set_random_seed(seed)
    network.set_weights(keras.models.clone_model(network).get_weights())
    for variable in network.optimizer.variables:
        variable.assign(keras.ops.zeros_like(variable))
    network.optimizer.learning_rate = _LEARNING_RATE
    inputs = keras.ops.convert_to_numpy(to_signed(np.concatenate([pixels, pixels[:, :, ::-1]])))
    network.fit(inputs, np.tile(is_face, 2).astype("float32"), _BATCH_SIZE, _EPOCHS, verbose=0)


def _logits(network: keras.Model, pixels: np.ndarray) -> np.ndarray:
    batches = (pixels[start : start + _PREDICTED] for start in range(0, len(pixels), _PREDICTED))
    return np.concatenate([keras.ops.convert_to_numpy(network(to_signed(batch)))[:, 0] for batch in batches])


# ---- What it says ----------------------------------------------------------------------------------------------------


def recovered(
    metric: str, logits: Mapping[str, np.ndarray], is_face: np.ndarray, picture: np.ndarray, seed: int = 0
) -> dict[str, Any]:
    """How much of what de-identification loses restoration gives back.

    Args:
        metric: "average_precision" or "accuracy".
        logits: by what the networks were trained on (`SOURCES`), float `(seeds, windows)` on the same windows.
        is_face: bool `(windows,)`.
        picture: int `(windows,)`, which picture each is from.
        seed: of the resampling.

    Returns:
        `{"values": {source: ...}, "lost", "share", "intervals": {source: [low, high], ..., "lost", "share"}}`, values
        means over seeds, in [0, 1]; lost is original - mosaic; share is (restored - mosaic) / (original - mosaic), 1 if
        all is given back. Seeds and pictures are resampled together. share is None where the interval of lost does
        not lie above 0: it would be a number divided by chance.
    """
    random = np.random.default_rng(seed)
    _, of_picture = np.unique(picture, return_inverse=True)
    pictures, seeds = of_picture.max() + 1, len(next(iter(logits.values())))
    weights = random.multinomial(pictures, np.full(pictures, 1 / pictures), RESAMPLES)[:, of_picture]
    seed_weights = random.multinomial(seeds, np.full(seeds, 1 / seeds), RESAMPLES) / seeds
    everything = np.ones((1, len(is_face)))
    values, resampled = {}, {}
    for source, of_seeds in logits.items():
        values[source] = float(np.mean([_METRICS[metric](one, is_face, everything) for one in of_seeds]))
        by_seed = np.stack([_METRICS[metric](one, is_face, weights) for one in of_seeds], axis=1)
        resampled[source] = (by_seed * seed_weights).sum(axis=1)
    lost = resampled[ORIGINAL] - resampled[INPUT]
    intervals = {source: _interval(of_source) for source, of_source in resampled.items()} | {"lost": _interval(lost)}
    means_something = intervals["lost"][0] > 0
    loss = values[ORIGINAL] - values[INPUT]
    with np.errstate(divide="ignore", invalid="ignore"):
        shares = (resampled[RESTORED] - resampled[INPUT]) / lost
    return {
        "values": values,
        "lost": loss,
        "share": (values[RESTORED] - values[INPUT]) / loss if means_something else None,
        "intervals": {**intervals, "share": _interval(shares[lost > 0]) if means_something else None},
    }


def average_precision(logits: np.ndarray, is_face: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Mean over faces of the precision among all windows that rank at least as high; chance is the share of faces.

    Args:
        logits: float `(windows,)`.
        is_face: bool `(windows,)`.
        weights: `(resamples, windows)`, how often each window counts.

    Returns:
        float `(resamples,)`, in [0, 1]; NaN where no face counts.
    """
    order = np.argsort(-logits, kind="stable")
    faces, ranked = weights[:, order] * is_face[order], weights[:, order]
    last_of_equals = np.searchsorted(-logits[order], -logits[order], side="right") - 1
    with np.errstate(divide="ignore", invalid="ignore"):
        precision = faces.cumsum(axis=1)[:, last_of_equals] / ranked.cumsum(axis=1)[:, last_of_equals]
        return np.nansum(faces * precision, axis=1) / faces.sum(axis=1)


def accuracy(logits: np.ndarray, is_face: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Share of windows on the right side of logit 0; as `average_precision`."""
    return (weights * ((logits > 0) == is_face)).sum(axis=1) / weights.sum(axis=1)


_METRICS = {"average_precision": average_precision, "accuracy": accuracy}


def _interval(values: np.ndarray) -> list[float]:
    low, high = np.nanquantile(values, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return [float(low), float(high)]
