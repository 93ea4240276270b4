"""PyTorch at its best: the faster memory layout, fused Adam, one pass through D for both losses."""

from __future__ import annotations

import statistics
from collections.abc import Callable

import numpy as np
import torch
from torch.nn.functional import softplus

from benchmarks.torch_networks import copy_weights, torch_discriminator, torch_generator
from benchmarks.turns import rate
from keras_deid.config import Config
from keras_deid.restoring.repair import BATCH_SIZE

Batch = tuple[torch.Tensor, torch.Tensor, torch.Tensor]
Weights = list[np.ndarray]

LAYOUTS = {"channels first": torch.contiguous_format, "channels last": torch.channels_last}


class TorchGAN:
    """`keras_deid.training.paired.PairedGAN` with the log loss, in PyTorch.

    Args:
        config: what to build.
        precision: `"float32"`, or `"mixed_bfloat16"` for `torch.autocast`.
        layout: memory layout of weights and pictures.
        weights: of G and of D, as Keras returns them.
    """

    def __init__(
        self, config: Config, precision: str, layout: torch.memory_format, weights: tuple[Weights, Weights]
    ) -> None:
        self.generator = build_generator(config)
        self.discriminator = torch_discriminator(config.discriminator.filters, config.discriminator.layers)
        for network, values in zip((self.generator, self.discriminator), weights, strict=True):
            copy_weights(values, network)
            network.to(memory_format=layout)
        self.loss = config.loss
        self.ema = config.training.ema
        self.autocast = precision == "mixed_bfloat16"
        self.layout = layout
        self.generator_weights = list(self.generator.parameters())
        self.discriminator_weights = list(self.discriminator.parameters())
        self.averages = [weight.detach().clone() for weight in self.generator_weights]
        self.means = torch.zeros(5)
        rate, betas = config.training.learning_rate, (config.training.beta_1, config.training.beta_2)
        self.generator_optimizer = torch.optim.Adam(self.generator_weights, rate, betas, fused=True)
        rate = config.training.discriminator_learning_rate or rate
        self.discriminator_optimizer = torch.optim.Adam(self.discriminator_weights, rate, betas, fused=True)

    def train_step(self, batch: Batch) -> dict[str, torch.Tensor]:
        """Takes one step of equation (4) and returns what `PairedGAN` logs, of this step alone."""
        x, y, mask = to_signed(batch[0]), to_signed(batch[1]), batch[2]

        with self.precision():
            restored = self.generator(x)
            composed = mask * restored + (1.0 - mask) * x
            shown = restored if self.loss.composite == "none" else composed
            judged = composed if self.loss.composite == "all" else restored
            real_logits = self.discriminator(y).float()
            fake_logits = self.discriminator(shown).float()

        d_loss = softplus(-real_logits).mean() + softplus(fake_logits).mean()
        adversarial = softplus(-fake_logits).mean()
        distance = self._distance(judged, y)
        whole, inside = distance.mean(), mean_inside(distance, mask)
        weights = self.loss
        g_loss = weights.adversarial_weight * adversarial + weights.whole_weight * whole + weights.mask_weight * inside

        generator_gradients = torch.autograd.grad(g_loss, self.generator_weights, retain_graph=True)
        discriminator_gradients = torch.autograd.grad(d_loss, self.discriminator_weights)
        for optimizer, variables, gradients in (
            (self.generator_optimizer, self.generator_weights, generator_gradients),
            (self.discriminator_optimizer, self.discriminator_weights, discriminator_gradients),
        ):
            for variable, gradient in zip(variables, gradients, strict=True):
                variable.grad = gradient
            optimizer.step()

        with torch.no_grad():
            if self.ema:
                torch._foreach_lerp_(self.averages, self.generator_weights, 1.0 - self.ema)
            error = (restored - y).abs() / 2.0
            logs = torch.stack([g_loss, d_loss, adversarial, error.mean(), mean_inside(error, mask)])
            self.means += logs
        return dict(zip(("g_loss", "d_loss", "adversarial", "l1", "l1_mask"), logs, strict=True))

    def precision(self) -> torch.autocast:
        """Returns the context in which the networks run."""
        return torch.autocast("cpu", torch.bfloat16, enabled=self.autocast)

    def batch(self, batch: tuple[np.ndarray, ...]) -> Batch:
        """Returns a batch as this network takes it: channels second, in its memory layout."""
        x, y, mask = map(self.pictures, batch)
        return x, y, mask

    def pictures(self, pictures: np.ndarray) -> torch.Tensor:
        """Returns pictures `(batch, height, width, channels)` likewise."""
        return torch.from_numpy(pictures).permute(0, 3, 1, 2).contiguous(memory_format=self.layout)

    def _distance(self, restored: torch.Tensor, original: torch.Tensor) -> torch.Tensor:
        difference = restored - original
        if self.loss.distance == "charbonnier":
            return (difference.square() + self.loss.charbonnier_epsilon**2).sqrt() - self.loss.charbonnier_epsilon
        return difference.abs()


class Contestant:
    """What `benchmarks.keras_contestant.Contestant` does, in PyTorch.

    Args:
        config: what to build.
        precision: Keras's name of it.
        threads: threads within operations.
        batch: (x, y, mask) as in `PairedGAN`.
        weights: of G and of D, as Keras returns them.
    """

    def __init__(
        self,
        config: Config,
        precision: str,
        threads: int,
        batch: tuple[np.ndarray, ...],
        weights: tuple[Weights, Weights],
    ) -> None:
        torch.set_num_threads(threads)
        self._images = len(batch[0])
        many = np.resize(batch[0], (BATCH_SIZE, *batch[0].shape[1:]))
        self._gan = TorchGAN(config, precision, torch.channels_last, weights)
        self._batch = self._gan.batch(batch)
        self._trainers: dict[str, Callable[[], object]] = {}
        self._restorers: dict[str, Callable[[], object]] = {}
        for name, layout in LAYOUTS.items():
            gan = TorchGAN(config, precision, layout, weights)
            self._trainers[name] = _trainer(gan, gan.batch(batch))
            self._restorers[name] = _restorer(gan, gan.pictures(many))
            if precision == "mixed_bfloat16":
                whole = build_generator(config)
                copy_weights(weights[0], whole)
                whole.to(dtype=torch.bfloat16, memory_format=layout)
                self._restorers[f"{name}, weights cast beforehand"] = _bfloat16_restorer(whole, gan.pictures(many))

    def outputs(self) -> tuple[np.ndarray, np.ndarray]:
        """Returns G(x), `(batch, height, width, 3)`, and D(y), `(batch, rows, columns, 1)`."""
        with torch.no_grad(), self._gan.precision():
            restored = self._gan.generator(to_signed(self._batch[0]))
            logits = self._gan.discriminator(to_signed(self._batch[1]))
        return _to_numpy(restored), _to_numpy(logits)

    def losses(self, steps: int) -> list[dict[str, float]]:
        """Takes so many training steps and returns what each logged."""
        return [{name: float(value) for name, value in self._gan.train_step(self._batch).items()} for _ in range(steps)]

    def keep_the_fastest(self, seconds: float) -> dict[str, dict[str, float]]:
        """Tries all forms, several times in turn, and keeps the fastest; returns their images per second."""
        tried = {}
        for what, images in (("_trainers", self._images), ("_restorers", BATCH_SIZE)):
            forms = getattr(self, what)
            turns = [{name: rate(work, images, seconds) for name, work in forms.items()} for _ in range(4)]
            # The first turn also warms up.
            rates = {name: statistics.median(turn[name] for turn in turns[1:]) for name in forms}
            fastest = max(rates, key=lambda name: rates[name])
            setattr(self, what, {fastest: forms[fastest]})
            tried["training" if what == "_trainers" else "restoring"] = rates
        return tried

    def training_rate(self, seconds: float) -> float:
        """Trains for so many seconds and returns images per second."""
        (work,) = self._trainers.values()
        return rate(work, self._images, seconds)

    def restoring_rate(self, seconds: float) -> float:
        """Restores for so many seconds, in the batches of `restore.py`, and returns images per second."""
        (work,) = self._restorers.values()
        return rate(work, BATCH_SIZE, seconds)


def build_generator(config: Config) -> torch.nn.Module:
    """Builds the counterpart of the generator that a configuration describes."""
    settings = config.generator
    return torch_generator(
        settings.filters,
        settings.blocks,
        settings.attention,
        settings.reduction,
        normalization=settings.normalization,
        global_skip=settings.global_skip,
        residual_scale=settings.residual_scale,
    )


def to_signed(pictures: torch.Tensor) -> torch.Tensor:
    """Maps pixel values in [0, 255] to float32 in [-1, 1]."""
    return pictures.float() / 127.5 - 1.0


def mean_inside(values: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Returns the mean of `values` (batch, channels, height, width) where `mask` (batch, 1, ...) is 1."""
    return (values * mask).sum() / (mask.sum() * values.shape[1]).clamp(min=1.0)


def _trainer(gan: TorchGAN, batch: Batch) -> Callable[[], object]:
    return lambda: gan.train_step(batch)["g_loss"].item()


def _restorer(gan: TorchGAN, x: torch.Tensor) -> Callable[[], object]:
    def restore() -> np.ndarray:
        with torch.inference_mode(), gan.precision():
            return gan.generator(to_signed(x)).numpy()

    return restore


def _bfloat16_restorer(generator: torch.nn.Module, x: torch.Tensor) -> Callable[[], object]:
    def restore() -> np.ndarray:
        with torch.inference_mode():
            return generator(to_signed(x).bfloat16()).float().numpy()

    return restore


def _to_numpy(values: torch.Tensor) -> np.ndarray:
    return values.float().permute(0, 2, 3, 1).numpy()
