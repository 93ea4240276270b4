"""Writes the generator of a run as a SavedModel that needs nothing of this package."""

from __future__ import annotations

import multiprocessing
import os
import threading
from concurrent.futures import ProcessPoolExecutor
from multiprocessing.process import BaseProcess
from pathlib import Path

from keras_deid.config import load_config


def write_saved_model(run: Path, folder: Path, name: str) -> None:
    """Writes a SavedModel with its warm-up requests, in a process of its own.

    TensorFlow numbers the functions of a process, and the numbers are in the file: in a fresh process the same weights
    give the same bytes. Nor does it see that process's GPUs, precision policy or memory.

    Args:
        run: folder with `config.yaml` and `generator.keras`.
        folder: to write; must not exist.
        name: of the model on a server.

    Raises:
        UserError: if the run's files are missing or do not fit each other.
    """
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn"), initializer=_prepare_process) as process:
        process.submit(_write, run, folder, name).result()


def _prepare_process() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    threading.Thread(target=_end_with, args=[parent], name="end with parent", daemon=True).start()
    _be_quiet()


def _end_with(parent: BaseProcess) -> None:
    """Leaves nothing running that would go on writing after an export was killed."""
    parent.join()
    os._exit(1)


def _be_quiet() -> None:
    """Drops what TensorFlow says about the machine; exceptions reach the caller in another way."""
    if int(os.environ.get("TF_CPP_MIN_LOG_LEVEL", "0")) >= 2:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)


def _write(run: Path, folder: Path, name: str) -> None:
    import keras
    import tensorflow as tf

    from keras_deid.errors import UserError
    from keras_deid.models.resnet_generator import resnet_generator
    from keras_deid.models.saved import load_generator
    from keras_deid.serving.model_card import training_context
    from keras_deid.serving.regions import DEFAULT_CONTEXT
    from keras_deid.serving.signatures import RestoringModule
    from keras_deid.serving.warmup import write_warmup

    tf.config.set_visible_devices([], "GPU")
    config = load_config(run / "config.yaml")
    # Whatever the precision of the training, and whatever Keras's own settings file says.
    keras.mixed_precision.set_dtype_policy("float32")
    trained = load_generator(run)
    height, width = config.data.image_size
    generator = resnet_generator((height, width, 3), **config.generator.model_dump(exclude={"network", "latent"}))
    try:
        generator.set_weights(trained.get_weights())
    except ValueError as error:
        raise UserError(
            f"{run / 'generator.keras'}: is not the network that {run / 'config.yaml'} describes; train the run again"
        ) from error
    module = RestoringModule(generator, training_context(config) or DEFAULT_CONTEXT)
    tf.saved_model.save(module, str(folder), signatures=module.signatures())
    write_warmup(folder, name, (height, width))
