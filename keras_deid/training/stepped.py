"""A model that is trained step by step by `keras_deid.training.loop`."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf


class SteppedModel(keras.Model):
    """What all ways of training have in common; each adds its networks and its `train_step`.

    `train_step` takes a batch, or this replica's rows of it, changes the networks, and returns the batch's losses:
    scalars by name.

    Attributes:
        step: how many steps were taken.
        waited: seconds that steps have waited for data since this was last set to 0.
        stop_training: set by callbacks: the step was the last one.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.step = tf.Variable(0, dtype=tf.int64, trainable=False, name="step")
        self.waited = 0.0

    @property
    def steps_taken(self) -> int:
        """How many steps were taken; `step` as a number."""
        return int(self.step.numpy())

    @property
    def networks(self) -> tuple[keras.Model, ...]:
        """All networks that are trained."""
        raise NotImplementedError

    @property
    def learning_rate(self) -> float:
        """The present learning rate."""
        raise NotImplementedError
