"""A run from beginning to end: prepare, build, restore, train, evaluate, sum up."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from keras_deid.atomic import write_json
from keras_deid.config import Config, portable
from keras_deid.data.catalogue_batches import catalogue_batches, load_catalogue_pictures
from keras_deid.data.evaluation_examples import evaluation_batch, evaluation_examples
from keras_deid.data.training_batches import steps_per_epoch, training_batches
from keras_deid.data.training_pictures import load_training_pictures
from keras_deid.data.unpaired import load_unpaired_pictures, unpaired_batches
from keras_deid.errors import UserError
from keras_deid.evaluation.evaluate import count_pictures, evaluate_data
from keras_deid.models.saved import load_generator
from keras_deid.preparation.prepare import prepare
from keras_deid.progress import Progress, silent
from keras_deid.training.checkpoints import Checkpoints
from keras_deid.training.fitting import (
    check_folder,
    checksum,
    git_commit,
    held_run,
    restore_checkpoint,
    train,
    versions,
)
from keras_deid.training.gan import RestoringGAN
from keras_deid.training.history import History
from keras_deid.training.networks import build_gan
from keras_deid.training.precision import set_precision
from keras_deid.training.replicas import see_whole_batch
from keras_deid.training.run_locator import run_locator
from keras_deid.training.saved_networks import SavedNetworks
from keras_deid.training.start import start_from
from keras_deid.training.validation import RestorerValidation
from keras_deid.training.workers import Workers

BEST_BY = "psnr_mask"
# How each way of training loads its pictures and cuts them into batches, where one method hides the faces.
_DATA: dict[str, tuple[Callable[..., Any], Callable[..., tf.data.Dataset]]] = {
    "paired": (load_training_pictures, training_batches),
    "unpaired": (load_unpaired_pictures, unpaired_batches),
    "unconditional": (load_training_pictures, training_batches),
}


def run(config: Config, folder: Path, progress: Progress = silent) -> dict[str, Any] | None:
    """Trains what `config` describes, continuing where an earlier start stopped, and evaluates it.

    Args:
        config: the run's configuration.
        folder: `runs/NAME`; see docs/training.md for its content.
        progress: counts the photographs that are prepared, the pictures trained on, and the pictures evaluated.

    Returns:
        The metrics of the test split, in the form of `evaluation.json`; None where it has no pictures, as folders
        without pairs may, and on workers other than the chief, which evaluates.

    Raises:
        UserError: if the data are missing or unusable, the folder belongs to another run or another process trains
            there, its checkpoints are damaged, or a loss is not finite.
        Interrupted: after Ctrl-C or SIGTERM; the same call continues.
        WorkerLost: if another worker has ended; the same calls continue.
    """
    # Before TensorFlow does anything else.
    workers = Workers(config.training.strategy)
    workers.check_batch_size(config.training.batch_size)
    with held_run(folder) if workers.this.chief else contextlib.nullcontext():
        check_folder(folder, config)
        if workers.this.chief:
            prepare_if_needed(config, progress)
        workers.wait()
        run_kind = run_locator if config.training.method == "locate" else _run_gan
        result = run_kind(config, folder, workers, progress)
        workers.wait()  # TensorFlow takes a worker that leaves early for one that has failed
        return result


def _run_gan(config: Config, folder: Path, workers: Workers, progress: Progress) -> dict[str, Any] | None:
    # ---- Data ------------------------------------------------------------------------------------------------------
    load, batches = _DATA[config.training.method]
    if config.deidentify.method == "catalogue":
        load, batches = load_catalogue_pictures, catalogue_batches
    pictures = load(config.data)
    steps = steps_per_epoch(len(pictures), config.training.batch_size)
    validation: list[dict[str, tf.Tensor]] = []
    if count_pictures(config, "val"):
        batch = evaluation_batch(config.data.image_size)
        validation = list(evaluation_examples(config.data, config.deidentify, "val", batch))
    workers.check_shared(folder)
    workers.check_alike(configuration=checksum(config), training_pictures=len(pictures))
    # Not before the data are there: a start that failed must not bind the next one to its settings.
    if workers.this.chief:
        folder.mkdir(parents=True, exist_ok=True)
        portable(config).save(folder / "config.yaml")

    # ---- Model -----------------------------------------------------------------------------------------------------
    if config.training.deterministic:
        tf.config.experimental.enable_op_determinism()
    keras.utils.set_random_seed(config.training.seed)
    precision = set_precision(config.training.precision)
    # Its fusions do not fit the two passes through D: it fails, says so on the terminal, and is no slower without.
    tf.config.optimizer.set_experimental_options({"remapping": False})
    with workers.strategy.scope():
        gan = build_gan(config, steps)
        see_whole_batch(gan.networks)
    if config.training.start_from is not None:
        start_from(gan, config.training.start_from)
    checkpoints = Checkpoints(folder / "checkpoints", gan)
    restore_checkpoint(checkpoints, folder)
    workers.check_alike(step=gan.steps_taken)

    # ---- Train -----------------------------------------------------------------------------------------------------
    def batches_from(step: int, rows: slice) -> tf.data.Dataset:
        settings = config.training
        return batches(
            pictures,
            config.data,
            config.deidentify,
            batch_size=settings.batch_size,
            seed=settings.seed,
            start_step=step,
            rows=rows,
        )

    networks = SavedNetworks(folder, config)
    history = train(
        gan,
        config,
        folder,
        workers,
        batches_from,
        steps,
        checkpoints,
        validate=RestorerValidation(folder, validation, config.training.samples),
        save=lambda trained: networks.save(trained.restorer, trained.discriminator),
        best_by=BEST_BY if config.training.keep == "best" else None,
        progress=progress,
    )
    if not workers.this.chief:
        return None

    # ---- Evaluate --------------------------------------------------------------------------------------------------
    keras.mixed_precision.set_dtype_policy("float32")
    metrics = None
    if count_pictures(config, "test"):
        metrics = evaluate_data(load_generator(folder), config, "test", folder / "evaluation.json", progress=progress)

    # ---- Sum up ----------------------------------------------------------------------------------------------------
    write_json(folder / "summary.json", _summary(config, precision, gan, history, metrics))
    return metrics


def prepare_if_needed(config: Config, progress: Progress = silent) -> None:
    """Prepares `data.path` from `data.photos` unless that is done already.

    Raises:
        UserError: if `data.path` does not exist and there are no photographs to make it from.
    """
    data = config.data
    if data.source != "prepared" or not isinstance(data.path, Path):
        return
    if data.photos is None:
        if not data.path.exists():
            raise UserError(f"{data.path}: no such prepared data set; give photographs to make it from (--photos)")
        return
    prepare(
        data.photos,
        data.path,
        **data.prepare.model_dump(),
        boxes=data.boxes,
        masks=data.masks,
        progress=progress,
    )


def _summary(
    config: Config, precision: str, gan: RestoringGAN, history: History, metrics: dict[str, Any] | None
) -> dict[str, Any]:
    seconds = sum(row["seconds"] for row in history.rows)
    images = sum(row["seconds"] * row["images_per_second"] for row in history.rows)
    return {
        "name": config.name,
        "epochs": len(history.rows),
        "steps": gan.steps_taken,
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
        "metrics": metrics,
        "versions": versions(),
        "git_commit": git_commit(),
        "finished": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
    }
