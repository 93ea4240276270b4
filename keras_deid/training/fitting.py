"""What every kind of run does: its folder, the loop over epochs, what it says about where it ran."""

from __future__ import annotations

import contextlib
import json
import platform
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import tensorflow as tf

from keras_deid.config import Config, load_config
from keras_deid.errors import UserError
from keras_deid.locking import LOCK, locked_folder
from keras_deid.training.checkpoints import Checkpoints
from keras_deid.training.history import History
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


def held_run(folder: Path) -> contextlib.AbstractContextManager[None]:
    """Holds the folder of a run, so that no other process trains there.

    Raises:
        UserError: if another one does.
    """
    return locked_folder(folder, f"{folder}: is being trained by another process; wait for it or choose another --run")


def restore_checkpoint(checkpoints: Checkpoints, folder: Path) -> int:
    """Restores the newest checkpoint of a run, and returns the number of steps done.

    Raises:
        UserError: if the run has come further than its checkpoints: it would be trained again over its results.
    """
    done, known = checkpoints.restore(), _known_steps(folder)
    if done < known:
        raise UserError(
            f"{folder}: was trained up to step {known}, and its newest readable checkpoint is of step {done}: nothing "
            "is trained again over it; choose another --run, or delete the folder to train it anew"
        )
    return done


def _known_steps(folder: Path) -> int:
    """Returns a number of steps that a run has certainly saved a checkpoint after."""
    if (folder / "summary.json").exists():
        try:
            return int(json.loads((folder / "summary.json").read_text(encoding="utf-8"))["steps"])
        except (ValueError, KeyError, TypeError):
            return 1
    # An epoch's line is written before its checkpoint, and the next line after that. Of two checkpoints one is kept
    # for the case that the other is damaged; of none of them nothing is left to go on from.
    lines = History(folder / "history.csv", first_epoch=sys.maxsize).rows
    return 1 if len(lines) > 1 else 0


def check_folder(folder: Path, config: Config) -> None:
    """Sees that the run's folder is free, or holds a run of the same settings."""
    path = folder / "config.yaml"
    if path.exists():
        for key, (there, given) in _differences(load_config(path), config).items():
            if key not in _MAY_CHANGE:
                raise UserError(
                    f"{folder}: was started with {key}={there!r}, not {given!r}; choose another --run or delete it"
                )
    elif folder.exists() and any(file.name != LOCK for file in folder.iterdir()):
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
