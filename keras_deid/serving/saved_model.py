"""Writes the generator of a run as a SavedModel that needs nothing of this package."""

from __future__ import annotations

import multiprocessing
import os
import threading
from concurrent.futures import ProcessPoolExecutor
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from keras_deid.config import load_config
from keras_deid.errors import UserError


def write_saved_model(run: Path, folder: Path, name: str, locator: Path | None = None) -> None:
    """Writes a SavedModel with its warm-up requests, in a process of its own.

    TensorFlow numbers the functions of a process, and the numbers are in the file: in a fresh process the same weights
    give the same bytes. Nor does it see that process's GPUs, precision policy or memory.

    Args:
        run: folder with `config.yaml` and `generator.keras`.
        folder: to write; must not exist.
        name: of the model on a server.
        locator: folder of a run with `locator.keras`, to be offered as well.

    Raises:
        UserError: if the run's files are missing or do not fit each other.
    """
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn"), initializer=_prepare_process) as process:
        process.submit(_write, run, folder, name, locator).result()


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


def _write(run: Path, folder: Path, name: str, locator: Path | None) -> None:
    import keras
    import tensorflow as tf

    from keras_deid.boxes import DEFAULT_CONTEXT
    from keras_deid.models.saved import load_generator, load_locator
    from keras_deid.serving.model_card import adds_detail, training_context
    from keras_deid.serving.signatures import RestoringModule
    from keras_deid.serving.warmup import write_warmup

    tf.config.set_visible_devices([], "GPU")
    config = load_config(run / "config.yaml")
    keras.mixed_precision.set_dtype_policy("float32")  # whatever Keras's own settings file says
    generator = load_generator(run)
    _check_float32(generator, run / "generator.keras")
    if generator.input_shape[1:3] != tuple(config.data.image_size):
        raise UserError(
            f"{run / 'generator.keras'}: is not the network that {run / 'config.yaml'} describes; train the run again"
        )
    finder = None
    if locator is not None:
        finder = load_locator(locator)
        _check_float32(finder, locator / "locator.keras")
        if finder.input_shape[1:3] != (None, None):
            raise UserError(f"{locator / 'locator.keras'}: does not take pictures of any size; train the locator again")
    module = RestoringModule(generator, training_context(config) or DEFAULT_CONTEXT, adds_detail(config), finder)
    tf.saved_model.save(module, str(folder), signatures=module.signatures())
    write_warmup(folder, name, config.data.image_size, locates=locator is not None)


def _check_float32(network: Any, path: Path) -> None:
    if any(layer.dtype_policy.compute_dtype != "float32" for layer in network.layers):
        raise UserError(f"{path}: does not compute in float32; save it with keras-deid train")
