"""What the GANs have in common: networks, optimizers, the step down both losses."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

from keras_deid.training.replicas import share_of_gradients
from keras_deid.training.stepped import SteppedModel

_WARM_UP = 10
"""Steps after which a moving average weighs its past and the newest weights alike."""


class RestoringGAN(SteppedModel):
    """A generator against a discriminator; each way of training adds its `train_step`.

    Args:
        generator: G.
        discriminator: D. A way that trains more networks than these two adds them to `networks` and to the variables.
        restorer: signed de-identified pictures -> signed restored pictures; what is validated, saved and used.

    Training data: batches (x, y, mask): uint8 or float pixel values `(batch, height, width, 3)` in [0, 255] twice, and
    float `(batch, height, width, 1)`, 1 where de-identified. Whether x and y are aligned depends on the method.
    """

    def __init__(
        self, generator: keras.Model, discriminator: keras.Model, restorer: keras.Model, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.generator = generator
        self.discriminator = discriminator
        self.restorer = restorer

    @property
    def networks(self) -> tuple[keras.Model, ...]:
        """All networks that are trained."""
        return self.generator, self.discriminator

    @property
    def learning_rate(self) -> float:
        """The generator's present learning rate."""
        return float(self.generator_optimizer.learning_rate)

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
        self.generator_optimizer.apply(share_of_gradients(g_gradients), self.generator_variables)
        self.discriminator_optimizer.apply(share_of_gradients(d_gradients), self.discriminator_variables)
        self.step.assign_add(1)

    def call(self, inputs: Any, training: bool = False) -> Any:
        """Restores signed pictures."""
        return self.restorer(inputs, training=training)


def averaged(network: keras.Model) -> keras.Model:
    """Returns a copy of a network that is to hold the moving average of its weights."""
    copy = keras.models.clone_model(network)
    copy.set_weights(network.get_weights())
    return copy


def move_average(average: keras.Model, network: keras.Model, ema: float, step: tf.Variable) -> None:
    """Moves an average towards a network's weights: average = decay * average + (1 - decay) * weight.

    The decay grows with the step up to `ema`: the average of a young network would hold on to its first random weights.

    Args:
        average: holds the average.
        network: is trained.
        ema: decay after many steps, in [0, 1).
        step: steps that the network has taken, at least 1.
    """
    steps = tf.cast(step, tf.float32)
    decay = tf.minimum(ema, steps / (steps + _WARM_UP))
    for mean, weight in zip(average.weights, network.weights, strict=True):
        mean.assign(decay * mean + (1.0 - decay) * weight)
