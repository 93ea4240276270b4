"""What the ways of training have in common: networks, optimizers, the step counter and the clock on the data."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import Any

import keras
import tensorflow as tf


class RestoringGAN(keras.Model):
    """A generator against a discriminator, used through `fit`; each way of training adds its `train_step`.

    Args:
        generator: G.
        discriminator: D. A way that trains more networks than these two adds them to `networks` and to the variables.
        restorer: signed de-identified pictures -> signed restored pictures; what is validated, saved and used.
        means: names of the running means that `train_step` logs.

    Training data: batches (x, y, mask): uint8 or float pixel values `(batch, height, width, 3)` in [0, 255] twice, and
    float `(batch, height, width, 1)`, 1 where de-identified. Whether x and y are aligned depends on the method.
    """

    def __init__(
        self,
        generator: keras.Model,
        discriminator: keras.Model,
        restorer: keras.Model,
        means: Sequence[str],
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.generator = generator
        self.discriminator = discriminator
        self.restorer = restorer
        self.step = tf.Variable(0, dtype=tf.int64, trainable=False, name="step")
        self.waited = 0.0
        """Seconds that steps have waited for data since this was last set to 0."""
        self._train_on_next: Any = None
        self._means = {name: keras.metrics.Mean(name) for name in means}

    @property
    def networks(self) -> tuple[keras.Model, ...]:
        """All networks that are trained."""
        return self.generator, self.discriminator

    @property
    def generator_variables(self) -> list[Any]:
        """What the generator's optimizer changes."""
        return self.generator.trainable_variables

    @property
    def discriminator_variables(self) -> list[Any]:
        """What the discriminator's optimizer changes."""
        return self.discriminator.trainable_variables

    def compile(
        self, generator_optimizer: keras.optimizers.Optimizer, discriminator_optimizer: keras.optimizers.Optimizer
    ) -> None:
        """Takes an optimizer for each side; under `mixed_float16` both should be `LossScaleOptimizer`s."""
        super().compile()
        self.generator_optimizer = generator_optimizer
        self.discriminator_optimizer = discriminator_optimizer
        generator_optimizer.build(self.generator_variables)
        discriminator_optimizer.build(self.discriminator_variables)

    def descend(self, tape: tf.GradientTape, scaled_g_loss: tf.Tensor, scaled_d_loss: tf.Tensor) -> None:
        """Takes a step down both losses, which the optimizers have scaled, each side for its own variables."""
        g_gradients = tape.gradient(scaled_g_loss, self.generator_variables)
        d_gradients = tape.gradient(scaled_d_loss, self.discriminator_variables)
        self.generator_optimizer.apply(g_gradients, self.generator_variables)
        self.discriminator_optimizer.apply(d_gradients, self.discriminator_variables)
        self.step.assign_add(1)

    def log(self, **values: tf.Tensor) -> dict[str, tf.Tensor]:
        """Adds a batch's values to the running means of the epoch, and returns these."""
        for name, value in values.items():
            self._means[name].update_state(value)
        return {name: mean.result() for name, mean in self._means.items()}

    def call(self, inputs: Any, training: bool = False) -> Any:
        """Restores signed pictures."""
        return self.restorer(inputs, training=training)

    def make_train_function(self, force: bool = False) -> Any:
        """Compiles `train_step`; batches are fetched outside the graph, so that waiting for them can be timed."""
        if self._train_on_next is not None and not force:
            return self._train_on_next
        step = tf.function(self.train_step, jit_compile=self.jit_compile is True)

        def train_on_next(iterator: Iterator[Any]) -> Any:
            started = time.perf_counter()
            batch = next(iterator)
            self.waited += time.perf_counter() - started
            return step(batch)

        self.train_function = self._train_on_next = train_on_next
        return train_on_next

    @property
    def metrics(self) -> list[keras.metrics.Metric]:
        """The running means that `fit` resets at the start of an epoch."""
        return list(self._means.values())


def averaged(network: keras.Model) -> keras.Model:
    """Returns a copy of a network that is to hold the moving average of its weights."""
    copy = keras.models.clone_model(network)
    copy.set_weights(network.get_weights())
    return copy


def move_average(average: keras.Model, network: keras.Model, decay: float) -> None:
    """Moves an average towards a network's weights: average = decay * average + (1 - decay) * weight."""
    for mean, weight in zip(average.weights, network.weights, strict=True):
        mean.assign(decay * mean + (1.0 - decay) * weight)
