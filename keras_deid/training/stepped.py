"""A model that is trained step by step: the step counter, the running means, the clock on the data."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import Any

import keras
import tensorflow as tf

from keras_deid.errors import UserError


class SteppedModel(keras.Model):
    """What all ways of training have in common; each adds its networks and its `train_step`.

    Args:
        means: names of the running means that `train_step` logs.

    Attributes:
        step: how many steps were taken.
        waited: seconds that steps have waited for data since this was last set to 0.
    """

    def __init__(self, means: Sequence[str], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.step = tf.Variable(0, dtype=tf.int64, trainable=False, name="step")
        self.waited = 0.0
        self._train_on_next: Any = None
        self._means = {name: keras.metrics.Mean(name) for name in means}

    @property
    def networks(self) -> tuple[keras.Model, ...]:
        """All networks that are trained."""
        raise NotImplementedError

    @property
    def learning_rate(self) -> float:
        """The present learning rate."""
        raise NotImplementedError

    def log(self, **values: tf.Tensor) -> dict[str, tf.Tensor]:
        """Adds a batch's values to the running means of the epoch, and returns these."""
        for name, value in values.items():
            self._means[name].update_state(value)
        return {name: mean.result() for name, mean in self._means.items()}

    def make_train_function(self, force: bool = False) -> Any:
        """Compiles `train_step`; batches are fetched outside the graph, so that waiting for them can be timed."""
        if self._train_on_next is not None and not force:
            return self._train_on_next
        step = tf.function(self.train_step, jit_compile=self.jit_compile is True)

        def train_on_next(iterator: Iterator[Any]) -> Any:
            started = time.perf_counter()
            try:
                batch = next(iterator)
            except (tf.errors.DataLossError, tf.errors.InvalidArgumentError, tf.errors.NotFoundError) as error:
                raise UserError(
                    f"the training data are damaged ({error.message.splitlines()[0]}); prepare the photographs again"
                ) from error
            self.waited += time.perf_counter() - started
            return step(batch)

        self.train_function = self._train_on_next = train_on_next
        return train_on_next

    @property
    def metrics(self) -> list[keras.metrics.Metric]:
        """The running means that `fit` resets at the start of an epoch."""
        return list(self._means.values())
