"""The training of `keras_deid.training.paired` in PyTorch, and restoring."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch.nn.functional import softplus

from benchmarks.torch_networks import copy_weights, torch_discriminator, torch_generator
from keras_deid.config import Config

Batch = tuple[torch.Tensor, torch.Tensor, torch.Tensor]
Weights = list[np.ndarray]

_WARM_UP = 10
"""Steps after which the moving average's decay is a half, as in `keras_deid.training.gan`, which needs TensorFlow."""


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
        self.steps = 0
        self.means = torch.zeros(5)
        rate, betas = config.training.learning_rate, (config.training.beta_1, config.training.beta_2)
        self.generator_optimizer = torch.optim.Adam(self.generator_weights, rate, betas, fused=True)
        rate = config.training.discriminator_learning_rate or rate
        self.discriminator_optimizer = torch.optim.Adam(self.discriminator_weights, rate, betas, fused=True)

    def train_step(self, batch: Batch) -> dict[str, torch.Tensor]:
        """Takes one step of equation (4), with one pass of the restored pictures through D for both losses.

        Returns:
            What `PairedGAN` logs, of this step alone.
        """
        x, y, mask = to_signed(batch[0]), to_signed(batch[1]), batch[2]
        with self.precision():
            restored, shown, judged = self._restored(x, mask)
            real_logits = self.discriminator(y).float()
            fake_logits = self.discriminator(shown).float()
        d_loss = softplus(-real_logits).mean() + softplus(fake_logits).mean()
        g_loss, adversarial = self._g_loss(fake_logits, judged, y, mask)
        generator_gradients = torch.autograd.grad(g_loss, self.generator_weights, retain_graph=True)
        discriminator_gradients = torch.autograd.grad(d_loss, self.discriminator_weights)
        _descend(self.generator_optimizer, self.generator_weights, generator_gradients)
        _descend(self.discriminator_optimizer, self.discriminator_weights, discriminator_gradients)
        return self._logs(g_loss, d_loss, adversarial, restored, y, mask)

    def train_step_in_turn(self, batch: Batch) -> dict[str, torch.Tensor]:
        """Takes a step in the order of the public Pix2Pix code.

        G; D learns from the original and the restored pictures, which are cut off from G; then G learns from what D, as
        it is now, says of them in a second pass.

        Reference:
            `models/pix2pix_model.py` of [junyanz/pytorch-CycleGAN-and-pix2pix](
            https://github.com/junyanz/pytorch-CycleGAN-and-pix2pix), `optimize_parameters`.

        Returns:
            As `train_step`.
        """
        x, y, mask = to_signed(batch[0]), to_signed(batch[1]), batch[2]
        with self.precision():
            restored, shown, judged = self._restored(x, mask)
            fake_logits = self.discriminator(shown.detach()).float()
            real_logits = self.discriminator(y).float()
        d_loss = softplus(-real_logits).mean() + softplus(fake_logits).mean()
        discriminator_gradients = torch.autograd.grad(d_loss, self.discriminator_weights)
        _descend(self.discriminator_optimizer, self.discriminator_weights, discriminator_gradients)

        self.discriminator.requires_grad_(False)
        with self.precision():
            fake_logits = self.discriminator(shown).float()
        g_loss, adversarial = self._g_loss(fake_logits, judged, y, mask)
        generator_gradients = torch.autograd.grad(g_loss, self.generator_weights)
        _descend(self.generator_optimizer, self.generator_weights, generator_gradients)
        self.discriminator.requires_grad_(True)
        return self._logs(g_loss, d_loss, adversarial, restored, y, mask)

    def compile(self) -> None:
        """Has `torch.compile` translate both networks when they are first called."""
        # `train_step` goes back through D twice, which buffers that are given away do not allow.
        torch._functorch.config.donated_buffer = False
        self.generator.compile()
        self.discriminator.compile()

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

    def _restored(self, x: torch.Tensor, mask: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Returns G(x), what D is shown of it, and what the distance is taken of."""
        restored = self.generator(x)
        composed = mask * restored + (1.0 - mask) * x
        shown = restored if self.loss.composite == "none" else composed
        judged = composed if self.loss.composite == "all" else restored
        return restored, shown, judged

    def _g_loss(
        self, fake_logits: torch.Tensor, judged: torch.Tensor, y: torch.Tensor, mask: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Returns equation (3), and its adversarial term."""
        adversarial = softplus(-fake_logits).mean()
        distance = self._distance(judged, y)
        whole, inside = distance.mean(), mean_inside(distance, mask)
        weights = self.loss
        total = weights.adversarial_weight * adversarial + weights.whole_weight * whole + weights.mask_weight * inside
        return total, adversarial

    def _logs(
        self,
        g_loss: torch.Tensor,
        d_loss: torch.Tensor,
        adversarial: torch.Tensor,
        restored: torch.Tensor,
        y: torch.Tensor,
        mask: torch.Tensor,
    ) -> dict[str, torch.Tensor]:
        """Moves the averages, and returns what is logged."""
        with torch.no_grad():
            if self.ema:
                self.steps += 1
                decay = min(self.ema, self.steps / (self.steps + _WARM_UP))
                torch._foreach_lerp_(self.averages, self.generator_weights, 1.0 - decay)
            error = (restored - y).abs() / 2.0
            logs = torch.stack([g_loss, d_loss, adversarial, error.mean(), mean_inside(error, mask)])
            self.means += logs
        return dict(zip(("g_loss", "d_loss", "adversarial", "l1", "l1_mask"), logs, strict=True))

    def _distance(self, restored: torch.Tensor, original: torch.Tensor) -> torch.Tensor:
        difference = restored - original
        if self.loss.distance == "charbonnier":
            return (difference.square() + self.loss.charbonnier_epsilon**2).sqrt() - self.loss.charbonnier_epsilon
        return difference.abs()


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


def _descend(
    optimizer: torch.optim.Optimizer, variables: Sequence[torch.Tensor], gradients: Sequence[torch.Tensor]
) -> None:
    for variable, gradient in zip(variables, gradients, strict=True):
        variable.grad = gradient
    optimizer.step()
