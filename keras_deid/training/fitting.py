"""What every kind of run does: its folder, the loop over epochs, what it says about where it ran."""

from __future__ import annotations

import platform
import subprocess
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import tensorflow as tf

from keras_deid.config import Config, load_config
from keras_deid.errors import UserError
from keras_deid.training.stepped import SteppedModel

_MAY_CHANGE = ("name", "description", "training.epochs", "training.decay_epochs", "training.samples")


class Interrupted(Exception):
    """Training was asked to stop; its state is saved."""


def fit(
    model: SteppedModel,
    batches_from: Callable[[int], tf.data.Dataset],
    steps_per_epoch: int,
    epochs: int,
    callbacks: list[Any],
) -> None:
    """Trains up to `epochs`; an epoch that was cut short is finished first, in a `fit` of its own."""
    while int(model.step) < epochs * steps_per_epoch and not model.stop_training:
        epoch, begun = divmod(int(model.step), steps_per_epoch)
        model.fit(
            batches_from(int(model.step)),
            initial_epoch=epoch,
            epochs=epoch + 1 if begun else epochs,
            steps_per_epoch=steps_per_epoch - begun,
            callbacks=callbacks,
            verbose=0,
            shuffle=False,
        )


def check_folder(folder: Path, config: Config) -> None:
    """Sees that the run's folder is free, or holds a run of the same settings."""
    path = folder / "config.yaml"
    if path.exists():
        for key, (there, given) in _differences(load_config(path), config).items():
            if key not in _MAY_CHANGE:
                raise UserError(
                    f"{folder}: was started with {key}={there!r}, not {given!r}; choose another --run or delete it"
                )
    elif folder.exists() and any(folder.iterdir()):
        raise UserError(f"{folder}: is not a run folder; choose another --run")


def _differences(one: Config, other: Config) -> dict[str, tuple[Any, Any]]:
    a, b = one.flat(), other.flat()
    return {key: (a.get(key), b.get(key)) for key in a | b if a.get(key) != b.get(key)}


def git_commit() -> str | None:
    """Returns the commit of the code that runs, or None where it does not lie in a git checkout."""
    try:
        done = subprocess.run(
            ["git", "rev-parse", "HEAD"], cwd=Path(__file__).parent, capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.strip()


def versions() -> dict[str, str]:
    """Returns the versions of Python and of the packages that decide what comes out."""
    packages = ("keras_deid", "tensorflow", "keras", "numpy")
    return {"python": platform.python_version(), **{name: version(name) for name in packages}}
