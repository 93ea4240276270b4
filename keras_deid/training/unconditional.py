"""Training without pairs and without an input: DCGAN draws originals from random vectors."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

from keras_deid import losses
from keras_deid.models.pixels import to_signed
from keras_deid.training.gan import RestoringGAN, move_average
from keras_deid.training.replicas import rows_of_whole_batch


class UnconditionalGAN(RestoringGAN):
    """G against D on originals alone; the restorer searches what G can draw.

    One step updates both networks from one pass through G, as in `PairedGAN`. (DCGAN's code steps D first and lets the
    D of after that step judge G, which takes one more pass through D.) D sees originals and drawings in batches of
    their own, so that its batch normalization cannot tell them apart by each other.

    The latent vectors of a step are a function of `seed` and the step's number alone: a run that continues draws the
    ones that an uninterrupted run would have drawn.

    Args:
        generator: G, latent vectors `(batch, latent)` -> signed pictures.
        discriminator: D, signed pictures -> logits.
        restorer: what `latent_search` made of G, or of a copy of it if `ema`.
        adversarial: name of the adversarial loss, see `losses.ADVERSARIAL`.
        ema: decay of the moving average of G's weights, which the restorer's copy of G holds; 0: it searches G itself.
        seed: of the latent vectors.

    Training data: `RestoringGAN`'s, of which only y is used.

    Logs: `g_loss`, `d_loss`, `adversarial` (the same as `g_loss`: there is nothing else), `d_real` and `d_fake` (the
    probability of being real that D gives to originals and to drawings; both 0.5 where D cannot tell).

    Reference:
        [Radford et al., 2016](https://arxiv.org/abs/1511.06434);
        [Goodfellow et al., 2014](https://arxiv.org/abs/1406.2661), equation (1).
    """

    def __init__(
        self,
        generator: keras.Model,
        discriminator: keras.Model,
        restorer: keras.Model,
        *,
        adversarial: str = "log",
        ema: float = 0.0,
        seed: int = 0,
        **kwargs: Any,
    ) -> None:
        super().__init__(generator, discriminator, restorer, **kwargs)
        self.adversarial = losses.ADVERSARIAL[adversarial]
        self.ema = ema
        self.seed = seed

    def train_step(self, data: tuple[tf.Tensor, tf.Tensor, tf.Tensor]) -> dict[str, tf.Tensor]:
        """Takes one step down both losses on a batch and returns its losses."""
        y = to_signed(data[1])
        z = rows_of_whole_batch(self.latent_vectors, tf.shape(y)[0])

        with tf.GradientTape(persistent=True) as tape:
            drawn = self.generator(z, training=True)
            real_logits = self.discriminator(y, training=True)
            fake_logits = self.discriminator(drawn, training=True)

            # max_D min_G  E_y[log D(y)] + E_z[log(1 - D(G(z)))]
            d_loss = self.adversarial.discriminator(real_logits, fake_logits)
            g_loss = self.adversarial.generator(fake_logits)
            scaled_g_loss = self.generator_optimizer.scale_loss(g_loss)
            scaled_d_loss = self.discriminator_optimizer.scale_loss(d_loss)

        self.descend(tape, scaled_g_loss, scaled_d_loss)
        if self.ema:
            move_average(self.restorer.get_layer("search").generator, self.generator, self.ema, self.step)

        return {
            "g_loss": g_loss,
            "d_loss": d_loss,
            "adversarial": g_loss,
            "d_real": tf.reduce_mean(tf.sigmoid(real_logits)),
            "d_fake": tf.reduce_mean(tf.sigmoid(fake_logits)),
        }

    def latent_vectors(self, count: int | tf.Tensor) -> tf.Tensor:
        """Draws the latent vectors of the current step from N(0, 1): float32 `(count, latent)`."""
        seed = tf.stack([tf.constant(self.seed, tf.int64), tf.cast(self.step, tf.int64)])
        return tf.random.stateless_normal((count, self.generator.input_shape[-1]), seed)
