"""The networks: generator, discriminator, locator, and the search that uses a DCGAN."""

from __future__ import annotations

from typing import Annotated, Literal

import pydantic

from keras_deid.config.section import Flag, Fraction, NonNegativeInt, Positive, PositiveInt, Section


class GeneratorConfig(Section):
    """The generator. The modules in `models/` explain the options.

    The options from `blocks` on are for the ResNet only.
    """

    network: Literal["resnet", "unet", "dcgan"] = "resnet"
    """CycleGAN's ResNet, with CBAM as in the paper; Pix2Pix's U-Net; DCGAN's, which draws from random vectors."""
    filters: PositiveInt = 64
    dropout: Fraction = 0.0
    latent: PositiveInt = 100
    """Length of DCGAN's latent vector."""
    blocks: PositiveInt = 9
    downsamplings: Annotated[int, pydantic.Field(strict=True, ge=1, le=4)] = 2
    """How often the size is halved before the blocks (CycleGAN: 2); each doubles the channels."""
    attention: Literal["between", "branch", "none"] = "between"
    gate_init: Literal["open", "default"] = "open"
    reduction: PositiveInt = 16
    normalization: Literal["instance", "none"] = "instance"
    upsampling: Literal["transposed", "resize"] = "transposed"
    global_skip: Flag = False
    residual_scale: Positive = 1.0
    skips: Flag = False
    """Add what the way down had to the way up, at each size."""
    leak: Annotated[float, pydantic.Field(strict=True, ge=0, lt=1)] = 0.0
    """Slope of the ReLUs for negative values."""
    head_spread: Positive = 0.001
    """With the global skip: standard deviation of the head's first weights."""
    ends: Literal[3, 5, 7] = 7
    """Side of the first and of the last convolution, the stem and the head (CycleGAN: 7)."""


class DiscriminatorConfig(Section):
    """CycleGAN's PatchGAN discriminator."""

    filters: PositiveInt = 64
    layers: Annotated[int, pydantic.Field(strict=True, ge=1, le=5)] = 3
    """Stride-2 convolutions: 3 give the 70x70 receptive field, 2 give 34x34, 1 gives 16x16."""
    conditional: Flag = False
    """Let D see (x, y) as in Pix2Pix; the paper's D sees y alone."""


class LocatorConfig(Section):
    """The locator, see `models/locator.py`, and its training windows."""

    filters: Annotated[int, pydantic.Field(strict=True, ge=4)] = 12
    blocks: NonNegativeInt = 4
    window: Annotated[int, pydantic.Field(strict=True, ge=64, multiple_of=32)] = 256
    """Side of the training windows, in pixels."""


class SearchConfig(Section):
    """How DCGAN restores: by searching a latent vector, see `models/latent_search.py`."""

    steps: PositiveInt = 60
    """Gradient steps for each picture."""
    validation_steps: PositiveInt = 15
    """Gradient steps for each validation picture, at the end of each epoch."""
    learning_rate: Positive = 0.5
    starts: PositiveInt = 64
    """Drawings, the same for all pictures; the search starts from the best one."""
    hidden_weight: Positive = 16.0
    """Weight of a pixel in a block of a mosaic; 1 elsewhere."""
