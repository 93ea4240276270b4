"""A run from beginning to end: prepare, build, restore, train, evaluate, sum up."""

from __future__ import annotations

import platform
import subprocess
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf
from tqdm import tqdm

from keras_deid.config import Config, load_config
from keras_deid.data.evaluation_examples import evaluation_examples
from keras_deid.data.prepare import prepare
from keras_deid.data.training_batches import steps_per_epoch, training_batches
from keras_deid.data.training_pictures import load_training_pictures
from keras_deid.data.unpaired import load_unpaired_pictures, unpaired_batches
from keras_deid.errors import UserError
from keras_deid.evaluation.evaluate import count_pictures, evaluate_data
from keras_deid.models.saved import load_generator
from keras_deid.training.checkpoints import Checkpoints
from keras_deid.training.epochs import FinishEpoch, ShowProgress
from keras_deid.training.gan import RestoringGAN
from keras_deid.training.history import History
from keras_deid.training.networks import build_gan, set_precision
from keras_deid.training.saved_networks import SavedNetworks
from keras_deid.training.stopping import StopOnNonFinite, StopOnSignal
from keras_deid.whole_files import write_json

_MAY_CHANGE = ("name", "description", "training.epochs", "training.decay_epochs", "training.samples")
_VALIDATION_BATCH = 16
# How each way of training loads its pictures and cuts them into batches.
_DATA: dict[str, tuple[Callable[..., Any], Callable[..., tf.data.Dataset]]] = {
    "paired": (load_training_pictures, training_batches),
    "unpaired": (load_unpaired_pictures, unpaired_batches),
    "unconditional": (load_training_pictures, training_batches),
}


class Interrupted(Exception):
    """Training was asked to stop; its state is saved."""


def run(config: Config, folder: Path) -> dict[str, Any] | None:
    """Trains what `config` describes, continuing where an earlier start stopped, and evaluates it.

    Args:
        config: the run's configuration.
        folder: `runs/NAME`; see the README for what it holds afterwards.

    Returns:
        The figures of the test split, in the form of `evaluation.json`; None where it has no pictures, as folders
        without pairs may.

    Raises:
        UserError: if the data are missing or unusable, the folder belongs to another run, or a loss is not finite.
        Interrupted: after Ctrl-C or SIGTERM; the same call continues.
    """
    # ---- The run's folder ------------------------------------------------------------------------------------------
    _check_folder(folder, config)

    # ---- Data ------------------------------------------------------------------------------------------------------
    prepare_if_needed(config)
    load, batches = _DATA[config.training.method]
    pictures = load(config.data)
    steps = steps_per_epoch(len(pictures), config.training.batch_size)
    validation: list[dict[str, tf.Tensor]] = []
    if count_pictures(config, "val"):
        validation = list(evaluation_examples(config.data, config.deidentify, "val", _VALIDATION_BATCH))
    # Not before the data are there: a start that failed must not bind the next one to its settings.
    folder.mkdir(parents=True, exist_ok=True)
    config.save(folder / "config.yaml")

    # ---- Model -----------------------------------------------------------------------------------------------------
    if config.training.deterministic:
        tf.config.experimental.enable_op_determinism()
    keras.utils.set_random_seed(config.training.seed)
    precision = set_precision(config.training.precision)
    # Its fusions do not fit the two passes through D: it fails, says so on the terminal, and is no slower without.
    tf.config.optimizer.set_experimental_options({"remapping": False})
    gan = build_gan(config, steps)
    checkpoints = Checkpoints(folder / "checkpoints", gan)
    done = checkpoints.restore()
    epochs = config.training.epochs + config.training.decay_epochs

    # ---- Train -----------------------------------------------------------------------------------------------------
    def batches_from(step: int) -> tf.data.Dataset:
        settings = config.training
        return batches(
            pictures,
            config.data,
            config.deidentify,
            batch_size=settings.batch_size,
            seed=settings.seed,
            start_step=step,
        )

    history = History(folder / "history.csv", first_epoch=done // steps + 1)
    with StopOnSignal() as stop:
        finish_epoch = FinishEpoch(
            folder,
            validation,
            config.training.samples,
            history,
            checkpoints,
            SavedNetworks(folder, config),
            batch_size=config.training.batch_size,
            steps_per_epoch=steps,
            checkpoint_steps=config.training.checkpoint_steps,
        )
        progress = ShowProgress(epochs * steps, config.training.batch_size)
        _fit(gan, batches_from, steps, epochs, [StopOnNonFinite(), stop, progress, finish_epoch])
    if stop.requested and int(gan.step) < epochs * steps:
        checkpoints.save()
        raise Interrupted(f"stopped after step {int(gan.step)} of {epochs * steps}; the same command continues")

    # ---- Evaluate --------------------------------------------------------------------------------------------------
    keras.mixed_precision.set_dtype_policy("float32")
    figures = None
    if count_pictures(config, "test"):
        with tqdm(unit="picture", desc="evaluating", leave=False, disable=None) as bar:
            out = folder / "evaluation.json"

            def show(done: int, total: int | None, what: str) -> None:
                bar.total = total
                bar.update(done - bar.n)

            figures = evaluate_data(load_generator(folder), config, "test", out, progress=show)

    # ---- Sum up ----------------------------------------------------------------------------------------------------
    write_json(folder / "summary.json", _summary(config, precision, gan, history, figures))
    return figures


def prepare_if_needed(config: Config) -> None:
    """Prepares `data.path` from `data.photos` unless that is done already.

    Raises:
        UserError: if `data.path` does not exist and there are no photographs to make it from.
    """
    data = config.data
    if data.source != "prepared" or data.path is None:
        return
    if data.photos is None:
        if not data.path.exists():
            raise UserError(f"{data.path}: no such prepared data set; give photographs to make it from (--photos)")
        return
    with tqdm(unit="photo", desc="preparing", disable=None) as bar:

        def show(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        prepare(
            data.photos,
            data.path,
            **data.prepare.model_dump(),
            boxes=data.boxes,
            masks=data.masks,
            progress=show,
        )


def _fit(
    gan: RestoringGAN,
    batches_from: Callable[[int], tf.data.Dataset],
    steps_per_epoch: int,
    epochs: int,
    callbacks: list[Any],
) -> None:
    """Trains up to `epochs`; an epoch that was cut short is finished first, in a `fit` of its own."""
    while int(gan.step) < epochs * steps_per_epoch and not gan.stop_training:
        epoch, begun = divmod(int(gan.step), steps_per_epoch)
        gan.fit(
            batches_from(int(gan.step)),
            initial_epoch=epoch,
            epochs=epoch + 1 if begun else epochs,
            steps_per_epoch=steps_per_epoch - begun,
            callbacks=callbacks,
            verbose=0,
            shuffle=False,
        )


def _check_folder(folder: Path, config: Config) -> None:
    """Sees that the run's folder is free, or holds a run of the same settings."""
    path = folder / "config.yaml"
    if path.exists():
        for key, (there, given) in _differences(load_config(path), config).items():
            if key not in _MAY_CHANGE:
                raise UserError(
                    f"{folder}: was started with {key}={there!r}, not {given!r}; choose another --run or delete it"
                )
    elif folder.exists() and any(folder.iterdir()):
        raise UserError(f"{folder}: exists and is no run; choose another --run")


def _differences(one: Config, other: Config) -> dict[str, tuple[Any, Any]]:
    a, b = one.flat(), other.flat()
    return {key: (a.get(key), b.get(key)) for key in a | b if a.get(key) != b.get(key)}


def _summary(
    config: Config, precision: str, gan: RestoringGAN, history: History, figures: dict[str, Any] | None
) -> dict[str, Any]:
    seconds = sum(row["seconds"] for row in history.rows)
    images = sum(row["seconds"] * row["images_per_second"] for row in history.rows)
    return {
        "name": config.name,
        "epochs": len(history.rows),
        "steps": int(gan.step),
        "seconds": round(seconds, 1),
        "images_per_second": round(images / seconds, 2) if seconds else None,
        "data_wait": round(sum(row["data_wait"] * row["seconds"] for row in history.rows) / seconds, 5)
        if seconds
        else None,
        "precision": precision,
        "peak_memory_mb": max((row.get("peak_memory_mb", 0.0) for row in history.rows), default=0.0) or None,
        "parameters": {
            "generator": gan.generator.count_params(),
            "discriminator": gan.discriminator.count_params(),
        },
        "metrics": figures,
        "versions": {"python": platform.python_version()}
        | {name: version(name) for name in ("keras_deid", "tensorflow", "keras", "numpy")},
        "git_commit": _git_commit(),
        "finished": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
    }


def _git_commit() -> str | None:
    """Returns the commit of the code that runs, or None where it does not lie in a git checkout."""
    try:
        done = subprocess.run(
            ["git", "rev-parse", "HEAD"], cwd=Path(__file__).parent, capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.strip()
