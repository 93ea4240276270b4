"""Training a locator: which pixels of a photograph are hidden."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

from keras_deid import losses
from keras_deid.models.locator import STRIDE
from keras_deid.models.pixels import to_signed
from keras_deid.training.gan import move_average
from keras_deid.training.replicas import share_of_gradients
from keras_deid.training.stepped import SteppedModel


class LocatorTraining(SteppedModel):
    """A locator that learns from windows with drawn regions.

    The loss is binary cross-entropy plus Dice: the first weighs every pixel alike, the second every picture, few as its
    hidden pixels are.

    Args:
        locator: signed windows -> logits at a quarter of the size.
        average: a copy of it, which holds the moving average of its weights and is saved.
        ema: decay of that average.

    Training data: batches (window, hidden): uint8 `(batch, height, width, 3)`; float `(batch, height, width, 1)` in
    [0, 1].

    Logs: `loss`, `cross_entropy`, `dice`.

    Reference:
        [Milletari et al., 2016](https://arxiv.org/abs/1606.04797), section 3, for the Dice term.
    """

    def __init__(self, locator: keras.Model, average: keras.Model, ema: float, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.locator = locator
        self.average = average
        self.ema = ema

    @property
    def networks(self) -> tuple[keras.Model, ...]:
        """All networks that are trained."""
        return (self.locator,)

    @property
    def learning_rate(self) -> float:
        """The present learning rate."""
        return float(self.locator_optimizer.learning_rate)

    def compile(self, optimizer: keras.optimizers.Optimizer) -> None:
        """Takes the optimizer."""
        super().compile()
        self.locator_optimizer = optimizer
        optimizer.build(self.locator.trainable_variables)

    def call(self, inputs: Any, training: bool = False) -> Any:
        """Marks hidden regions in signed pictures: logits."""
        return self.average(inputs, training=training)

    def train_step(self, data: tuple[tf.Tensor, tf.Tensor]) -> dict[str, tf.Tensor]:
        """Takes one step on a batch and returns its losses."""
        hidden = tf.nn.avg_pool2d(data[1], STRIDE, STRIDE, "VALID")
        with tf.GradientTape() as tape:
            logits = self.locator(to_signed(data[0]), training=True)
            cross_entropy = losses.cross_entropy(logits, hidden)
            dice = losses.dice(logits, hidden)
            loss = cross_entropy + dice
            scaled = self.locator_optimizer.scale_loss(loss)
        gradients = tape.gradient(scaled, self.locator.trainable_variables)
        self.locator_optimizer.apply(share_of_gradients(gradients), self.locator.trainable_variables)
        self.step.assign_add(1)
        move_average(self.average, self.locator, self.ema, self.step)
        return {"loss": loss, "cross_entropy": cross_entropy, "dice": dice}
