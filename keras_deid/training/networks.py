"""From the configuration to networks, optimizers and precision: the one place where they meet."""

from __future__ import annotations

import keras

from keras_deid.config import Config, SearchConfig
from keras_deid.models.dcgan import dcgan_discriminator, dcgan_generator
from keras_deid.models.efficientnet_lite import efficientnet_lite_features
from keras_deid.models.latent_search import latent_search
from keras_deid.models.patch_discriminator import patch_discriminator
from keras_deid.models.resnet_generator import resnet_generator
from keras_deid.models.unet_generator import unet_generator
from keras_deid.training.gan import RestoringGAN, averaged
from keras_deid.training.paired import PairedGAN
from keras_deid.training.schedule import ConstantThenLinear
from keras_deid.training.unconditional import UnconditionalGAN
from keras_deid.training.unpaired import UnpairedGAN


def build_generator(config: Config) -> keras.Model:
    """Builds G as `config.generator` says, under the current dtype policy."""
    shape, settings = (*config.data.image_size, 3), config.generator
    match settings.network:
        case "unet":
            return unet_generator(shape, filters=settings.filters, dropout=settings.dropout)
        case "dcgan":
            return dcgan_generator(shape, filters=settings.filters, latent=settings.latent)
        case _:
            return resnet_generator(shape, **settings.model_dump(exclude={"network", "latent"}))


def build_discriminator(config: Config) -> keras.Model:
    """Builds D as `config.discriminator` says, under the current dtype policy."""
    height, width = config.data.image_size
    settings = config.discriminator
    if config.training.method == "unconditional":
        return dcgan_discriminator((height, width, 3), filters=settings.filters)
    return patch_discriminator(
        (height, width, 6 if settings.conditional else 3),
        filters=settings.filters,
        layers=settings.layers,
        normalization="batch" if settings.conditional else "instance",
    )


def build_restorer(config: Config) -> keras.Model:
    """Builds what restores pictures, under the current dtype policy: G itself, or the search in what DCGAN draws."""
    generator = build_generator(config)
    if config.training.method != "unconditional":
        return generator
    return _search(generator, config.search)


def build_gan(config: Config, steps_per_epoch: int) -> RestoringGAN:
    """Builds and compiles the training model of `config.training.method`."""
    settings = config.training
    gan = {"paired": _paired, "unpaired": _unpaired, "unconditional": _unconditional}[settings.method](config)
    rates = settings.learning_rate, settings.discriminator_learning_rate or settings.learning_rate
    gan.compile(*(_optimizer(config, rate, steps_per_epoch) for rate in rates))
    return gan


def _paired(config: Config) -> RestoringGAN:
    features = efficientnet_lite_features() if config.loss.perceptual_weight else None
    return PairedGAN(
        build_generator(config),
        build_discriminator(config),
        **config.loss.model_dump(exclude={"cycle_weight", "identity_weight"}),
        features=features,
        conditional=config.discriminator.conditional,
        **config.training.model_dump(include={"pool", "ema", "seed"}),
    )


def _unpaired(config: Config) -> RestoringGAN:
    generator, discriminator = build_generator(config), build_discriminator(config)
    backward_generator, backward_discriminator = build_generator(config), build_discriminator(config)
    backward_generator.name, backward_discriminator.name = "backward_generator", "backward_discriminator"
    return UnpairedGAN(
        generator,
        discriminator,
        backward_generator,
        backward_discriminator,
        **config.loss.model_dump(include={"adversarial", "adversarial_weight", "cycle_weight", "identity_weight"}),
        **config.training.model_dump(include={"pool", "ema", "seed"}),
    )


def _unconditional(config: Config) -> RestoringGAN:
    settings = config.training
    generator = build_generator(config)
    search = config.search.model_copy(update={"steps": config.search.validation_steps})
    return UnconditionalGAN(
        generator,
        build_discriminator(config),
        _search(averaged(generator) if settings.ema else generator, search),
        adversarial=config.loss.adversarial,
        ema=settings.ema,
        seed=settings.seed,
    )


def _search(generator: keras.Model, settings: SearchConfig) -> keras.Model:
    return latent_search(generator, **settings.model_dump(exclude={"validation_steps"}))


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
