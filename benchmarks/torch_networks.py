"""The same two networks in PyTorch, to measure against.

They have the layers of `keras_deid.models` in the same order, so that weights can be copied one by one. They are of no
use before that: they start as PyTorch's layers do, CBAM's gates half closed.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import nn


class TorchCBAM(nn.Module):
    """CBAM as in `keras_deid.layers.cbam` with open gates: float `(batch, channels, height, width)` in and out.

    Reference:
        [Woo et al., 2018](https://arxiv.org/abs/1807.06521), eq. 1-3.
    """

    def __init__(self, channels: int, reduction: int) -> None:
        super().__init__()
        self.squeeze = nn.Linear(channels, channels // reduction)
        self.excite = nn.Linear(channels // reduction, channels)
        self.convolution = nn.Conv2d(2, 1, 7, padding=3)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """Returns the gated feature map, the shape of `inputs`."""
        mean, peak = inputs.mean((2, 3)), inputs.amax((2, 3))
        logits = self.excite(self.squeeze(mean).relu()) + self.excite(self.squeeze(peak).relu())
        inputs = inputs * logits.sigmoid()[:, :, None, None]
        pooled = torch.cat([inputs.mean(1, keepdim=True), inputs.amax(1, keepdim=True)], dim=1)
        return inputs * self.convolution(pooled).sigmoid()


class TorchBlock(nn.Module):
    """CycleGAN's ResNet block, without a ReLU after the sum; its branch is scaled before it."""

    def __init__(self, channels: int, normalization: str, residual_scale: float) -> None:
        super().__init__()
        self.residual_scale = residual_scale
        self.branch = nn.Sequential(
            nn.ReflectionPad2d(1),
            nn.Conv2d(channels, channels, 3),
            *_normalize(channels, normalization),
            nn.ReLU(inplace=True),
            nn.ReflectionPad2d(1),
            nn.Conv2d(channels, channels, 3),
            *_normalize(channels, normalization),
        )

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """Returns the sum of input and scaled branch, the shape of `inputs`."""
        return torch.add(inputs, self.branch(inputs), alpha=self.residual_scale)


class TorchSkip(nn.Module):
    """Adds what a network computes to its input, in float32."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """Returns the sum, the shape of `inputs`."""
        return inputs.float() + self.network(inputs).float()


class TorchTanh(nn.Module):
    """The hyperbolic tangent, in float32."""

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """Returns values in [-1, 1], the shape of `inputs`."""
        return inputs.float().tanh()


def torch_generator(
    filters: int,
    blocks: int,
    attention: str = "between",
    reduction: int = 16,
    *,
    normalization: str = "instance",
    global_skip: bool = False,
    residual_scale: float = 1.0,
) -> nn.Module:
    """Builds the counterpart of `resnet_generator` with transposed convolutions.

    Args:
        filters: channels of the first convolution.
        blocks: ResNet blocks.
        attention: `"between"` (CBAM after each block) or `"none"`.
        reduction: CBAM's channel reduction.
        normalization: `"instance"` or `"none"`.
        global_skip: add what it computes to its input.
        residual_scale: what each block's branch is multiplied by.

    Returns:
        A module: float `(batch, 3, height, width)` in [-1, 1] -> float32 of the same shape.

    Raises:
        ValueError: if `attention` or `normalization` is neither.
    """
    if attention not in ("between", "none"):
        raise ValueError(f"`attention` should be 'between' or 'none'. Received: attention={attention!r}")

    if normalization not in ("instance", "none"):
        raise ValueError(f"`normalization` should be 'instance' or 'none'. Received: normalization={normalization!r}")

    def finish(channels: int) -> list[nn.Module]:
        return [*_normalize(channels, normalization), nn.ReLU(inplace=True)]

    layers: list[nn.Module] = [nn.ReflectionPad2d(3), nn.Conv2d(3, filters, 7), *finish(filters)]
    for channels in (filters, 2 * filters):
        layers += [nn.Conv2d(channels, 2 * channels, 3, 2, padding=1), *finish(2 * channels)]
    for _ in range(blocks):
        layers.append(TorchBlock(4 * filters, normalization, residual_scale))
        if attention == "between":
            layers.append(TorchCBAM(4 * filters, reduction))
    for channels in (4 * filters, 2 * filters):
        double = nn.ConvTranspose2d(channels, channels // 2, 3, 2, padding=1, output_padding=1)
        layers += [double, *finish(channels // 2)]
    layers += [nn.ReflectionPad2d(3), nn.Conv2d(filters, 3, 7)]
    return TorchSkip(nn.Sequential(*layers)) if global_skip else nn.Sequential(*layers, TorchTanh())


def _normalize(channels: int, normalization: str) -> list[nn.Module]:
    return [nn.InstanceNorm2d(channels)] if normalization == "instance" else []


def torch_discriminator(filters: int = 64, layers: int = 3) -> nn.Sequential:
    """Builds the counterpart of `patch_discriminator` with instance norm.

    Args:
        filters: channels of the first convolution.
        layers: convolutions of stride 2.

    Returns:
        A module: float `(batch, 3, height, width)` in [-1, 1] -> logits `(batch, 1, patch rows, patch columns)`.
    """
    modules: list[nn.Module] = [nn.Conv2d(3, filters, 4, 2, padding=1), nn.LeakyReLU(0.2, inplace=True)]
    channels = filters
    for index in range(1, layers + 1):
        grown = filters * min(2**index, 8)
        modules += [
            nn.Conv2d(channels, grown, 4, 2 if index < layers else 1, padding=1),
            nn.InstanceNorm2d(grown),
            nn.LeakyReLU(0.2, inplace=True),
        ]
        channels = grown
    return nn.Sequential(*modules, nn.Conv2d(channels, 1, 4, 1, padding=1))


def copy_weights(weights: Sequence[np.ndarray], counterpart: nn.Module) -> None:
    """Copies the weights of a Keras network into its counterpart.

    Args:
        weights: `get_weights()` of what `resnet_generator` or `patch_discriminator` built.
        counterpart: built by the function of the same name here, with the same settings.

    Raises:
        ValueError: if the two do not have the same weights.
    """
    parameters = list(counterpart.parameters())
    if len(weights) != len(parameters):
        raise ValueError(f"The counterpart should have {len(weights)} weights. Received: {len(parameters)}")
    for index, (weight, parameter) in enumerate(zip(weights, parameters, strict=True)):
        if weight.ndim == 4:  # [H, W, in, out] -> [out, in, H, W]; transposed: [H, W, out, in] -> [in, out, H, W]
            weight = weight.transpose(3, 2, 0, 1)
        elif weight.ndim == 2:
            weight = weight.T
        if weight.shape != tuple(parameter.shape):
            raise ValueError(f"Weight {index} should fit {tuple(parameter.shape)}. Received: {weight.shape}")
        with torch.no_grad():
            parameter.copy_(torch.from_numpy(np.ascontiguousarray(weight)))
