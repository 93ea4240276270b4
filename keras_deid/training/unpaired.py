"""Training without pairs: CycleGAN."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

from keras_deid import losses
from keras_deid.models.pixels import to_signed
from keras_deid.training.gan import RestoringGAN, averaged, move_average
from keras_deid.training.pool import ImagePool
from keras_deid.training.replicas import on_whole_batch


class UnpairedGAN(RestoringGAN):
    """CycleGAN on pictures x (de-identified) and y (original) of different scenes.

    G restores, F de-identifies; D_Y tells originals from what G made, D_X de-identified pictures from what F made. One
    step updates all four from one pass through each way of each cycle, G and F by one optimizer, D_Y and D_X by
    another. (CycleGAN's code steps the generators first, and halves the losses of the discriminators; Adam makes the
    same steps with and without that factor.)

    Args:
        generator: G, signed pictures -> signed pictures of the same shape.
        discriminator: D_Y, signed pictures -> patch logits.
        backward_generator: F, as G.
        backward_discriminator: D_X, as D_Y.
        adversarial: name of the adversarial loss, see `losses.ADVERSARIAL`; CycleGAN: `"lsgan"`.
        cycle_weight: lambda, weight of the cycle loss.
        identity_weight: weight of the identity loss; CycleGAN: half of lambda. 0: not computed, and logged as 0.
        adversarial_weight: weight of G's and F's adversarial terms.
        pool: how many past fakes each discriminator may see again (CycleGAN: 50); 0: always the newest.
        ema: decay of the moving average of G's weights, which restores; 0: G itself does.
        seed: of the pools' draws.

    Training data: `RestoringGAN`'s, x and y of different scenes; the mask is not used.

    Logs: `g_loss` and `d_loss` (each of both networks), `adversarial` (of G and F, unweighted), `cycle` and `identity`
    (both directions, unweighted, in [0, 1] units).

    Reference:
        [Zhu et al., 2017](https://arxiv.org/abs/1703.10593), eq. 1-4, section 5.2 (identity), section 4 (pools).
    """

    def __init__(
        self,
        generator: keras.Model,
        discriminator: keras.Model,
        backward_generator: keras.Model,
        backward_discriminator: keras.Model,
        *,
        adversarial: str = "lsgan",
        cycle_weight: float = 10.0,
        identity_weight: float = 5.0,
        adversarial_weight: float = 1.0,
        pool: int = 50,
        ema: float = 0.0,
        seed: int = 0,
        **kwargs: Any,
    ) -> None:
        super().__init__(generator, discriminator, averaged(generator) if ema else generator, **kwargs)
        self.backward_generator = backward_generator
        self.backward_discriminator = backward_discriminator
        self.adversarial = losses.ADVERSARIAL[adversarial]
        self.cycle_weight = cycle_weight
        self.identity_weight = identity_weight
        self.adversarial_weight = adversarial_weight
        self.ema = ema
        self.fakes = ImagePool(pool, discriminator.input_shape[1:], seed) if pool else None
        self.backward_fakes = ImagePool(pool, backward_discriminator.input_shape[1:], seed + 1) if pool else None

    @property
    def networks(self) -> tuple[keras.Model, ...]:
        """All networks that are trained."""
        return self.generator, self.discriminator, self.backward_generator, self.backward_discriminator

    @property
    def generator_variables(self) -> list[Any]:
        """What the generators' optimizer changes: G and F."""
        return self.generator.trainable_variables + self.backward_generator.trainable_variables

    @property
    def discriminator_variables(self) -> list[Any]:
        """What the discriminators' optimizer changes: D_Y and D_X."""
        return self.discriminator.trainable_variables + self.backward_discriminator.trainable_variables

    def train_step(self, data: tuple[tf.Tensor, tf.Tensor, tf.Tensor]) -> dict[str, tf.Tensor]:
        """Takes one step of equation (4) on a batch and returns its losses."""
        x, y = to_signed(data[0]), to_signed(data[1])

        with tf.GradientTape(persistent=True) as tape:
            restored = self.generator(x, training=True)
            deidentified = self.backward_generator(y, training=True)

            # Equation (1): the adversarial terms, of G with D_Y and of F with D_X
            y_adversarial, y_d_loss = self._adversarial_terms(self.discriminator, y, restored, self.fakes)
            x_adversarial, x_d_loss = self._adversarial_terms(
                self.backward_discriminator, x, deidentified, self.backward_fakes
            )
            adversarial, d_loss = y_adversarial + x_adversarial, y_d_loss + x_d_loss

            # Equation (2): there and back again, F(G(x)) = x and G(F(y)) = y
            x_again = self.backward_generator(restored, training=True)
            y_again = self.generator(deidentified, training=True)
            cycle = tf.reduce_mean(losses.l1(x_again, x)) + tf.reduce_mean(losses.l1(y_again, y))

            # Section 5.2: what is an original already, G leaves alone; what is de-identified, F
            identity = self._identity(x, y) if self.identity_weight else tf.zeros_like(cycle)

            # Equation (3)
            g_loss = self.adversarial_weight * adversarial + self.cycle_weight * cycle + self.identity_weight * identity
            scaled_g_loss = self.generator_optimizer.scale_loss(g_loss)
            scaled_d_loss = self.discriminator_optimizer.scale_loss(d_loss)

        # Equation (4): D_Y and D_X upwards, G and F downwards
        self.descend(tape, scaled_g_loss, scaled_d_loss)
        if self.ema:
            move_average(self.restorer, self.generator, self.ema, self.step)

        return {
            "g_loss": g_loss,
            "d_loss": d_loss,
            "adversarial": adversarial,
            "cycle": cycle / 2.0,
            "identity": identity / 2.0,
        }

    def _adversarial_terms(
        self, discriminator: keras.Model, real: tf.Tensor, fake: tf.Tensor, pool: ImagePool | None
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Returns equation (1) for a generator that made `fake`, and for the discriminator that judges it."""
        fake_logits = discriminator(fake, training=True)
        past_logits = fake_logits
        if pool is not None:
            past_logits = discriminator(on_whole_batch(pool.exchange, tf.stop_gradient(fake)), training=True)
        real_logits = discriminator(real, training=True)
        return self.adversarial.generator(fake_logits), self.adversarial.discriminator(real_logits, past_logits)

    def _identity(self, x: tf.Tensor, y: tf.Tensor) -> tf.Tensor:
        same_y, same_x = self.generator(y, training=True), self.backward_generator(x, training=True)
        return tf.reduce_mean(losses.l1(same_y, y)) + tf.reduce_mean(losses.l1(same_x, x))
