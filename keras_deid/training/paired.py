"""Training on pairs: the paper's way."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

from keras_deid import losses
from keras_deid.models.pixels import to_signed
from keras_deid.training.gan import RestoringGAN, averaged, move_average
from keras_deid.training.pool import ImagePool
from keras_deid.training.replicas import mean_of_replicas, on_whole_batch


class PairedGAN(RestoringGAN):
    """G against D on pairs (x de-identified, y original).

    One step updates both networks from one pass through G: D's verdict on the restored picture serves equation (1)
    for D and for G. (CycleGAN's code steps G and D in turn, which takes one more pass through D.)

    Args:
        generator: G, signed pictures -> signed pictures of the same shape.
        discriminator: D, signed pictures -> patch logits; 6 input channels when `conditional`.
        adversarial: name of the adversarial loss, see `losses.ADVERSARIAL`.
        adversarial_weight: weight of G's adversarial term.
        distance: `"l1"` (equation (2)) or `"charbonnier"`.
        charbonnier_epsilon: where Charbonnier turns from square to absolute, in signed units.
        whole_weight: weight of the distance over the whole picture (1 in equation (3)).
        mask_weight: weight of the distance inside the mask.
        composite: which terms see m*G(x) + (1-m)*x instead of G(x): `"none"`, `"adversarial"` or `"all"`.
        feature_weight: weight of feature matching, the L1 distance between D's layers for restored and original.
        perceptual_weight: weight of the L1 distance between `features` of restored and original.
        adversarial_fade_steps: steps over which the adversarial and the feature term grow to their weights.
        features: signed pictures -> list of feature maps, not trained; needed for the perceptual term.
        conditional: D sees x and the picture, one behind the other in the channels.
        pool: how many past fakes D may see again; 0: D always sees the newest.
        ema: decay of the moving average of G's weights, which restores, see `move_average`; 0: G itself does.
        seed: of the pool's draws.

    Training data: `RestoringGAN`'s, x and y of the same scene.

    Logs: `g_loss`, `d_loss`, `adversarial` (G's term, unweighted), `l1` (whole picture, unweighted, in [0, 1] units),
    `l1_mask` (inside the mask, likewise), `features` and `perceptual` where they have a weight.

    Reference:
        "Visualization Comparison of GAN for Reconstructing De-identified Image Dataset using Attention", eq. 1-4.
    """

    def __init__(
        self,
        generator: keras.Model,
        discriminator: keras.Model,
        *,
        adversarial: str = "log",
        adversarial_weight: float = 1.0,
        distance: str = "l1",
        charbonnier_epsilon: float = 0.1,
        whole_weight: float = 1.0,
        mask_weight: float = 0.0,
        composite: str = "none",
        feature_weight: float = 0.0,
        perceptual_weight: float = 0.0,
        adversarial_fade_steps: int = 0,
        features: keras.Model | None = None,
        conditional: bool = False,
        pool: int = 0,
        ema: float = 0.0,
        seed: int = 0,
        **kwargs: Any,
    ) -> None:
        super().__init__(generator, discriminator, averaged(generator) if ema else generator, **kwargs)
        self.adversarial = losses.ADVERSARIAL[adversarial]
        self.adversarial_weight = adversarial_weight
        self.distance = distance
        self.charbonnier_epsilon = charbonnier_epsilon
        self.whole_weight = whole_weight
        self.mask_weight = mask_weight
        self.composite = composite
        self.feature_weight = feature_weight
        self.perceptual_weight = perceptual_weight
        self.adversarial_fade_steps = adversarial_fade_steps
        self.features = features
        self.judge = losses.layers_of(discriminator) if feature_weight else None
        self.conditional = conditional
        self.ema = ema
        self.fakes = ImagePool(pool, discriminator.input_shape[1:], seed) if pool else None

    def train_step(self, data: tuple[tf.Tensor, tf.Tensor, tf.Tensor]) -> dict[str, tf.Tensor]:
        """Takes one step of equation (4) on a batch and returns its losses."""
        x, y, mask = to_signed(data[0]), to_signed(data[1]), data[2]
        area = mean_of_replicas(tf.reduce_sum(mask))

        with tf.GradientTape(persistent=True) as tape:
            restored = self.generator(x, training=True)
            composed = losses.composite(restored, x, mask)
            shown = restored if self.composite == "none" else composed
            judged = composed if self.composite == "all" else restored

            # Equation (1): the adversarial terms
            real_logits, real_layers = self._judge(self._evidence(x, y))
            fake_logits, fake_layers = self._judge(self._evidence(x, shown))
            past_logits = fake_logits
            if self.fakes is not None:
                past = on_whole_batch(self.fakes.exchange, tf.stop_gradient(self._evidence(x, shown)))
                past_logits = self.discriminator(past, training=True)
            d_loss = self.adversarial.discriminator(real_logits, past_logits)
            adversarial = self.adversarial.generator(fake_logits)

            # Equation (2): the distance, over the whole picture and inside the mask
            distance = self._distance(judged, y)
            whole, inside = tf.reduce_mean(distance), losses.mean_inside(distance, mask, area)

            # Terms that the paper does not have
            further = {}
            if self.judge is not None:
                further["features"] = losses.feature_distance([tf.stop_gradient(f) for f in real_layers], fake_layers)
            if self.features is not None:
                further["perceptual"] = losses.perceptual_distance(self.features, shown, y)

            # Equation (3)
            strength = self._fade()
            g_loss = strength * self.adversarial_weight * adversarial
            g_loss += self.whole_weight * whole + self.mask_weight * inside
            g_loss += strength * self.feature_weight * further.get("features", 0.0)
            g_loss += self.perceptual_weight * further.get("perceptual", 0.0)
            scaled_g_loss = self.generator_optimizer.scale_loss(g_loss)
            scaled_d_loss = self.discriminator_optimizer.scale_loss(d_loss)

        # Equation (4): D upwards, G downwards
        self.descend(tape, scaled_g_loss, scaled_d_loss)
        if self.ema:
            move_average(self.restorer, self.generator, self.ema, self.step)

        error = losses.l1(restored, y) / 2.0
        return {
            "g_loss": g_loss,
            "d_loss": d_loss,
            "adversarial": adversarial,
            "l1": tf.reduce_mean(error),
            "l1_mask": losses.mean_inside(error, mask, area),
            **further,
        }

    def _judge(self, evidence: tf.Tensor) -> tuple[tf.Tensor, list[tf.Tensor]]:
        """Returns D's logits, and its layers where they are matched."""
        if self.judge is None:
            return self.discriminator(evidence, training=True), []
        *layers, logits = self.judge(evidence, training=True)
        return logits, layers

    def _fade(self) -> tf.Tensor | float:
        """Returns the fraction of its weight that the adversarial term has at this step."""
        if not self.adversarial_fade_steps:
            return 1.0
        return tf.minimum(tf.cast(self.step, tf.float32) / self.adversarial_fade_steps, 1.0)

    def _evidence(self, x: tf.Tensor, picture: tf.Tensor) -> tf.Tensor:
        return tf.concat([x, picture], axis=-1) if self.conditional else picture

    def _distance(self, restored: tf.Tensor, original: tf.Tensor) -> tf.Tensor:
        if self.distance == "charbonnier":
            return losses.charbonnier(restored, original, self.charbonnier_epsilon)
        return losses.l1(restored, original)
