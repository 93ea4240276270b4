"""The state of a run on disk: all that training needs to go on as if it had never stopped."""

from __future__ import annotations

import functools
import json
import logging
import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from keras_deid.atomic import write_json
from keras_deid.errors import UserError
from keras_deid.training.stepped import SteppedModel

log = logging.getLogger(__name__)

_KEPT = 2
_FILE = re.compile(r"ckpt-(\d+)\..+")


class Checkpoints:
    """Saves and restores weights, optimizer states, the moving average, the pool, random states and the step.

    TensorFlow writes a checkpoint's data first and its index last, so that a kill at any moment leaves the previous one
    valid. Two are kept: if the newer one is damaged, the older one is restored.

    Args:
        folder: where they go.
        model: compiled.
    """

    def __init__(self, folder: Path, model: SteppedModel) -> None:
        self._folder = folder
        self._model = model
        # Keras keeps the random states of dropout and of the pool where TensorFlow does not look for them.
        random_states = [variable for variable in model.variables if variable.name == "seed_generator_state"]
        self._newest_good = sys.maxsize
        self._checkpoint = tf.train.Checkpoint(gan=model, random_states=random_states)

    def restore(self) -> int:
        """Restores the newest checkpoint that can be read, if there is one, and returns the number of steps done.

        Which ones there are is seen from their files, not from TensorFlow's list of them, which may be damaged.

        Raises:
            UserError: if there are checkpoints and none can be read.
        """
        damaged: list[str] = []
        for step in self._steps():
            try:
                self._checkpoint.restore(self._prefix(step)).assert_existing_objects_matched()
            except Exception as error:  # TensorFlow raises whatever a damaged file leads to
                damaged.append(f"{self._prefix(step)}: cannot be read ({_first_line(error)})")
                continue
            self._newest_good = step
            for line in damaged:
                log.warning("%s; going on from step %d", line, step)
            return self._model.steps_taken
        if damaged:
            raise UserError(f"{damaged[0]}, nor any older checkpoint; delete {self._folder} to train from the start")
        return self._model.steps_taken

    def epoch(self, step: int) -> dict[str, Any] | None:
        """Returns what was saved with a checkpoint of the epoch that it cuts in two."""
        try:
            content: dict[str, Any] = json.loads(self._epoch_file(step).read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError):
            return None
        return content

    def save(self, epoch: Mapping[str, Any] | None = None) -> None:
        """Saves the state after the current step, unless that is done already.

        Args:
            epoch: what to remember of the epoch that the checkpoint cuts in two.

        Raises:
            UserError: if a weight is not finite; what was saved before stays.
        """
        step = self._model.steps_taken
        for network in self._model.networks:
            if not all(np.isfinite(weight).all() for weight in network.get_weights()):
                raise UserError(
                    f"the {network.name}'s weights are not finite at step {step}: the last checkpoint "
                    "is kept; lower training.learning_rate or the loss weights and continue in a new run"
                )
        if self._manager.latest_checkpoint == self._prefix(step):
            return
        if epoch is not None:  # before: a checkpoint without it would be taken for one at the end of an epoch
            self._folder.mkdir(parents=True, exist_ok=True)
            write_json(self._epoch_file(step), epoch)
        self._manager.save(checkpoint_number=step)
        self._remove_others()

    @functools.cached_property
    def _manager(self) -> tf.train.CheckpointManager:
        """Saves and counts; it believes TensorFlow's list, which is written from the files that are good."""
        kept = [self._prefix(step) for step in sorted(self._steps()) if step <= self._newest_good][-_KEPT:]
        if kept:
            written = [os.path.getmtime(f"{prefix}.index") for prefix in kept]
            tf.compat.v1.train.update_checkpoint_state(
                str(self._folder), kept[-1], kept, all_model_checkpoint_timestamps=written
            )
        else:
            (self._folder / "checkpoint").unlink(missing_ok=True)
        return tf.train.CheckpointManager(self._checkpoint, str(self._folder), max_to_keep=_KEPT)

    def _steps(self) -> list[int]:
        """Lists the steps of the checkpoints that were written to their end, the newest first."""
        found = (re.fullmatch(r"ckpt-(\d+)\.index", path.name) for path in self._folder.glob("ckpt-*.index"))
        return sorted((int(match[1]) for match in found if match), reverse=True)

    def _remove_others(self) -> None:
        """Removes what kills have left, and damaged checkpoints that training has gone back behind."""
        kept = {Path(prefix).name for prefix in self._manager.checkpoints}
        for path in self._folder.glob("ckpt-*"):
            match = _FILE.fullmatch(path.name)
            if match and f"ckpt-{match[1]}" not in kept:
                path.unlink(missing_ok=True)

    def _prefix(self, step: int) -> str:
        return str(self._folder / f"ckpt-{step}")

    def _epoch_file(self, step: int) -> Path:
        return self._folder / f"ckpt-{step}.epoch.json"


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
