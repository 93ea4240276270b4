"""From the configuration to networks, optimizers and precision: the one place where they meet."""

from __future__ import annotations

import keras
import tensorflow as tf

from keras_deid.config import Config
from keras_deid.models.patch_discriminator import patch_discriminator
from keras_deid.models.resnet_generator import resnet_generator
from keras_deid.training.paired import PairedGAN
from keras_deid.training.schedule import ConstantThenLinear


def set_precision(precision: str) -> str:
    """Sets Keras's global dtype policy and returns its name; `auto`: float16 on a GPU, float32 on a CPU."""
    if precision == "auto":
        precision = "mixed_float16" if tf.config.list_physical_devices("GPU") else "float32"
    keras.mixed_precision.set_dtype_policy(precision)
    return precision


def build_generator(config: Config) -> keras.Model:
    """Builds G as `config.generator` says, under the current dtype policy."""
    height, width = config.data.image_size
    return resnet_generator((height, width, 3), **config.generator.model_dump(exclude={"network", "latent"}))


def build_discriminator(config: Config) -> keras.Model:
    """Builds D as `config.discriminator` says, under the current dtype policy."""
    height, width = config.data.image_size
    settings = config.discriminator
    return patch_discriminator(
        (height, width, 6 if settings.conditional else 3),
        filters=settings.filters,
        layers=settings.layers,
        normalization="batch" if settings.conditional else "instance",
    )


def build_gan(config: Config, steps_per_epoch: int) -> PairedGAN:
    """Builds and compiles the paired training model."""
    settings = config.training
    gan = PairedGAN(
        build_generator(config),
        build_discriminator(config),
        **config.loss.model_dump(exclude={"cycle_weight", "identity_weight"}),
        conditional=config.discriminator.conditional,
        pool=settings.pool,
        ema=settings.ema,
        seed=settings.seed,
    )
    rates = settings.learning_rate, settings.discriminator_learning_rate or settings.learning_rate
    gan.compile(*(_optimizer(config, rate, steps_per_epoch) for rate in rates))
    return gan


def _optimizer(config: Config, learning_rate: float, steps_per_epoch: int) -> keras.optimizers.Optimizer:
    settings = config.training
    adam = keras.optimizers.Adam(
        ConstantThenLinear(learning_rate, settings.epochs * steps_per_epoch, settings.decay_epochs * steps_per_epoch),
        beta_1=settings.beta_1,
        beta_2=settings.beta_2,
        epsilon=1e-8,  # PyTorch's, which the reference code trained with
    )
    if keras.mixed_precision.dtype_policy().compute_dtype == "float16":
        return keras.optimizers.LossScaleOptimizer(adam)
    return adam
