"""The state of a run on disk: all that training needs to go on as if it had never stopped."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import tensorflow as tf

from keras_deid.errors import UserError
from keras_deid.training.stepped import SteppedModel


class Checkpoints:
    """Saves and restores weights, optimizer states, the moving average, the pool, random states and the step.

    TensorFlow writes a checkpoint's data first and its name into the folder's index last, so that a kill at any
    moment leaves the previous one valid. Two are kept.

    Args:
        folder: where they go.
        model: compiled.
    """

    def __init__(self, folder: Path, model: SteppedModel) -> None:
        self._model = model
        # Keras keeps the random states of dropout and of the pool where TensorFlow does not look for them.
        random_states = [variable for variable in model.variables if variable.name == "seed_generator_state"]
        checkpoint = tf.train.Checkpoint(gan=model, random_states=random_states)
        self._manager = tf.train.CheckpointManager(checkpoint, str(folder), max_to_keep=2)

    def restore(self) -> int:
        """Restores the newest checkpoint, if there is one, and returns the number of steps done."""
        newest = self._manager.latest_checkpoint
        if newest:
            self._manager.checkpoint.restore(newest).assert_existing_objects_matched()
        return self._model.steps_taken

    def save(self) -> None:
        """Saves the state after the current step.

        Raises:
            UserError: if a weight is not finite; what was saved before stays.
        """
        for network in self._model.networks:
            if not all(np.isfinite(weight).all() for weight in network.get_weights()):
                raise UserError(
                    f"the {network.name}'s weights are not finite at step {self._model.steps_taken}: the last "
                    "checkpoint is kept; lower training.learning_rate or the loss weights and continue in a new run"
                )
        self._manager.save(checkpoint_number=self._model.steps_taken)
