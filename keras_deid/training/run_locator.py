"""A locator's run from beginning to end: data, model, training, figures."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_deid.atomic import whole_file, write_json
from keras_deid.config import Config, portable
from keras_deid.data.locator_batches import locator_batches
from keras_deid.data.locator_examples import locator_examples
from keras_deid.data.photographs import load_photographs
from keras_deid.data.training_batches import steps_per_epoch
from keras_deid.models.locator import STRIDE, locator
from keras_deid.models.pixels import to_signed
from keras_deid.progress import Progress, silent
from keras_deid.training.checkpoints import Checkpoints
from keras_deid.training.fitting import checksum, git_commit, restore_checkpoint, train, versions
from keras_deid.training.gan import averaged
from keras_deid.training.locating import LocatorTraining
from keras_deid.training.precision import set_precision
from keras_deid.training.replicas import see_whole_batch
from keras_deid.training.schedule import ConstantThenLinear
from keras_deid.training.start import start_locator_from
from keras_deid.training.workers import Workers


def run_locator(config: Config, folder: Path, workers: Workers, progress: Progress = silent) -> dict[str, Any] | None:
    """Trains a locator, continuing where an earlier start stopped.

    Args:
        config: the run's configuration; `training.method` is `"locate"`.
        folder: `runs/NAME`; holds `locator.keras`, `history.csv` and `summary.json` afterwards.
        workers: that train it together.
        progress: is called as the training goes on.

    Returns:
        The scores on validation windows after the last epoch: `{"iou", "false"}`, see `LocatorValidation`;
        None on workers other than the chief.

    Raises:
        UserError: if the data are missing or unusable, the folder belongs to another run, or a loss is not finite.
        Interrupted: after Ctrl-C or SIGTERM; the same call continues.
        WorkerLost: if another worker has ended; the same calls continue.
    """
    settings, window = config.training, config.locator.window

    # ---- Data ------------------------------------------------------------------------------------------------------
    photographs = load_photographs(config.data)
    steps = steps_per_epoch(len(photographs), settings.batch_size)
    validation = LocatorValidation(config)
    workers.check_shared(folder)
    workers.check_alike(configuration=checksum(config), training_pictures=len(photographs))
    if workers.this.chief:
        folder.mkdir(parents=True, exist_ok=True)
        portable(config).save(folder / "config.yaml")

    # ---- Model -----------------------------------------------------------------------------------------------------
    if settings.deterministic:
        tf.config.experimental.enable_op_determinism()
    keras.utils.set_random_seed(settings.seed)
    precision = set_precision(settings.precision)
    with workers.strategy.scope():
        model = build_locator_training(config, steps)
        see_whole_batch(model.networks)
    if settings.start_from is not None:
        start_locator_from(model, settings.start_from)
    checkpoints = Checkpoints(folder / "checkpoints", model)
    restore_checkpoint(checkpoints, folder)
    workers.check_alike(step=model.steps_taken)

    # ---- Train -----------------------------------------------------------------------------------------------------
    def batches_from(step: int, rows: slice) -> tf.data.Dataset:
        return locator_batches(
            photographs, size=window, batch_size=settings.batch_size, seed=settings.seed, start_step=step, rows=rows
        )

    def save(trained: LocatorTraining) -> None:
        save_locator(trained.average, config, folder / "locator.keras")

    history = train(
        model,
        config,
        folder,
        workers,
        batches_from,
        steps,
        checkpoints,
        validate=validation,
        save=save,
        best_by=None,
        progress=progress,
    )
    if not workers.this.chief:
        return None

    # ---- Sum up ----------------------------------------------------------------------------------------------------
    scores = {name.removeprefix("val_"): value for name, value in history.rows[-1].items() if name.startswith("val_")}
    summary = {
        "name": config.name,
        "epochs": len(history.rows),
        "steps": model.steps_taken,
        "seconds": round(sum(row["seconds"] for row in history.rows), 1),
        "precision": precision,
        "parameters": {"locator": model.locator.count_params()},
        "validation": scores,
        "versions": versions(),
        "git_commit": git_commit(),
    }
    write_json(folder / "summary.json", summary)
    return scores


def build_locator(config: Config) -> keras.Model:
    """Builds the locator as `config.locator` says, under the current dtype policy."""
    return locator(filters=config.locator.filters, blocks=config.locator.blocks)


def build_locator_training(config: Config, steps: int) -> LocatorTraining:
    """Builds and compiles the training model; an epoch has `steps`."""
    settings = config.training
    network = build_locator(config)
    model = LocatorTraining(network, averaged(network), settings.ema)
    schedule = ConstantThenLinear(settings.learning_rate, settings.epochs * steps, settings.decay_epochs * steps)
    adam = keras.optimizers.Adam(schedule, beta_1=settings.beta_1, beta_2=settings.beta_2)
    half = keras.mixed_precision.dtype_policy().compute_dtype == "float16"
    model.compile(keras.optimizers.LossScaleOptimizer(adam) if half else adam)
    return model


def save_locator(network: keras.Model, config: Config, path: Path) -> None:
    """Writes a locator in float32, whatever it is trained in, whole or not at all."""
    policy = keras.mixed_precision.dtype_policy()
    keras.mixed_precision.set_dtype_policy("float32")
    copy = build_locator(config)
    keras.mixed_precision.set_dtype_policy(policy)
    copy.set_weights(network.get_weights())
    with whole_file(path) as partial:
        copy.save(partial)
        _deflate(partial)


def _deflate(path: Path) -> None:
    """Compresses a `.keras` file, which Keras leaves as it is: of a small network most of it is the configuration."""
    with zipfile.ZipFile(path) as archive:
        parts = [(part.filename, archive.read(part)) for part in archive.infolist()]
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts:
            archive.writestr(name, content)


class LocatorValidation:
    """Scores a locator on windows of validation photographs, the same ones after every epoch.

    Args:
        config: of the run.

    Raises:
        UserError: as `read_photographs`.
    """

    def __init__(self, config: Config) -> None:
        self._batches = locator_examples(config.data, size=config.locator.window, batch_size=config.training.batch_size)

    def __call__(self, model: Any, epoch: int, writer: Any) -> dict[str, float]:
        """Returns `iou`, of marked and hidden pixels, and `false`, the fraction of clean pixels that are marked."""
        shared = either = wrong = clean = 0.0
        for windows, hidden in self._batches:
            marked = np.asarray(model.average(to_signed(windows), training=False)) > 0
            target = np.asarray(tf.nn.avg_pool2d(hidden, STRIDE, STRIDE, "VALID")) > 0.5
            shared, either = shared + float((marked & target).sum()), either + float((marked | target).sum())
            wrong, clean = wrong + float((marked & ~target).sum()), clean + float((~target).sum())
        return {"iou": shared / max(either, 1.0), "false": wrong / max(clean, 1.0)}
