"""What every kind of run does: its folder, its training, what it says about where it ran."""

from __future__ import annotations

import contextlib
import json
import platform
import subprocess
import sys
import zlib
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

from keras_deid.config import Config, load_config, portable
from keras_deid.errors import UserError
from keras_deid.locking import LOCK, locked_folder
from keras_deid.progress import Progress
from keras_deid.training.checkpoints import Checkpoints
from keras_deid.training.epochs import FinishEpoch, ShowProgress, Validate
from keras_deid.training.history import History
from keras_deid.training.loop import BatchesFrom, fit
from keras_deid.training.stepped import SteppedModel
from keras_deid.training.stopping import StopOnNonFinite, StopOnSignal
from keras_deid.training.workers import Workers

_MAY_CHANGE = (
    "name",
    "description",
    "training.epochs",
    "training.decay_epochs",
    "training.samples",
    "training.strategy",
)


class Interrupted(Exception):
    """Training was asked to stop; its state is saved."""


def train(
    model: SteppedModel,
    config: Config,
    folder: Path,
    workers: Workers,
    batches_from: BatchesFrom,
    steps: int,
    checkpoints: Checkpoints,
    *,
    validate: Validate,
    save: Callable[[Any], None],
    best_by: str | None,
    progress: Progress,
) -> History:
    """Trains a model from the step that it has reached to the end.

    Args:
        model: compiled, under the strategy of the workers.
        config: of the run.
        folder: of the run; the chief alone writes there.
        workers: that train together.
        batches_from: see `keras_deid.training.loop`.
        steps: of an epoch.
        checkpoints: of the run.
        validate: see `FinishEpoch`.
        save: see `FinishEpoch`.
        best_by: see `FinishEpoch`.
        progress: is told after each step.

    Returns:
        The history of the run.

    Raises:
        UserError: if a loss or a weight is not finite.
        Interrupted: after Ctrl-C or SIGTERM at one of the workers.
        WorkerLost: if another worker has ended.
    """
    settings = config.training
    epochs = settings.epochs + settings.decay_epochs
    history = History(folder / "history.csv", first_epoch=model.steps_taken // steps + 1)
    with StopOnSignal() as stop:
        callbacks: list[Any] = [StopOnNonFinite(), stop]
        if workers.this.chief:
            finish_epoch = FinishEpoch(
                folder,
                validate,
                save,
                history,
                checkpoints,
                best_by=best_by,
                batch_size=settings.batch_size,
                steps_per_epoch=steps,
                checkpoint_steps=settings.checkpoint_steps,
            )
            callbacks += [ShowProgress(progress, epochs * steps, settings.batch_size), finish_epoch]
        fit(
            model,
            batches_from,
            callbacks,
            batch_size=settings.batch_size,
            steps_per_epoch=steps,
            epochs=epochs,
            worker=workers.this,
        )
    stopped = model.steps_taken < epochs * steps
    if stopped and workers.this.chief:
        checkpoints.save()
    workers.wait()  # the others leave when the chief has saved
    if stopped:
        raise Interrupted(f"stopped after step {model.steps_taken} of {epochs * steps}; the same command continues")
    return history


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
        except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
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
    a, b = portable(one).flat(), portable(other).flat()
    return {key: (a.get(key), b.get(key)) for key in a | b if a.get(key) != b.get(key)}


def checksum(config: Config) -> int:
    """Returns a number that tells two configurations apart."""
    return zlib.crc32(repr(config.flat()).encode())


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
