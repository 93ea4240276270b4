"""The same two networks in PyTorch, to measure against.

They have the layers of `keras_deid.models` in the same order, so that weights can be copied one by one.
"""

from __future__ import annotations

import keras
import numpy as np
import torch
from torch import nn

from keras_deid.layers.cbam import CHANNEL_BIAS, SPATIAL_BIAS


class TorchCBAM(nn.Module):
    """CBAM with open gates, as in `keras_deid.layers.cbam`: float `(batch, channels, height, width)` in and out.

    Reference:
        [Woo et al., 2018](https://arxiv.org/abs/1807.06521), eq. 1-3.
    """

    def __init__(self, channels: int, reduction: int) -> None:
        super().__init__()
        self.squeeze = nn.Linear(channels, channels // reduction)
        self.excite = nn.Linear(channels // reduction, channels)
        self.convolution = nn.Conv2d(2, 1, 7, padding=3)
        nn.init.constant_(self.excite.bias, CHANNEL_BIAS)
        nn.init.constant_(self.convolution.bias, SPATIAL_BIAS)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """Returns the gated feature map, the shape of `inputs`."""
        mean, peak = inputs.mean((2, 3)), inputs.amax((2, 3))
        logits = self.excite(self.squeeze(mean).relu()) + self.excite(self.squeeze(peak).relu())
        inputs = inputs * logits.sigmoid()[:, :, None, None]
        pooled = torch.cat([inputs.mean(1, keepdim=True), inputs.amax(1, keepdim=True)], dim=1)
        return inputs * self.convolution(pooled).sigmoid()


class TorchBlock(nn.Module):
    """CycleGAN's ResNet block, without a ReLU after the sum."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.branch = nn.Sequential(
            nn.ReflectionPad2d(1),
            nn.Conv2d(channels, channels, 3),
            nn.InstanceNorm2d(channels),
            nn.ReLU(inplace=True),
            nn.ReflectionPad2d(1),
            nn.Conv2d(channels, channels, 3),
            nn.InstanceNorm2d(channels),
        )

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """Returns the sum of input and branch, the shape of `inputs`."""
        return inputs + self.branch(inputs)


def torch_generator(filters: int, blocks: int, attention: str = "between", reduction: int = 16) -> nn.Sequential:
    """Builds the twin of `resnet_generator` with instance norm, transposed convolutions and no global skip.

    Args:
        filters: channels of the first convolution.
        blocks: ResNet blocks.
        attention: `"between"` (CBAM after each block) or `"none"`.
        reduction: CBAM's channel reduction.

    Returns:
        A module: float `(batch, 3, height, width)` in [-1, 1] -> the same shape.

    Raises:
        ValueError: if `attention` is neither.
    """
    if attention not in ("between", "none"):
        raise ValueError(f"`attention` should be 'between' or 'none'. Received: attention={attention!r}")

    def normalize(channels: int) -> list[nn.Module]:
        return [nn.InstanceNorm2d(channels), nn.ReLU(inplace=True)]

    layers: list[nn.Module] = [nn.ReflectionPad2d(3), nn.Conv2d(3, filters, 7), *normalize(filters)]
    for channels in (filters, 2 * filters):
        layers += [nn.Conv2d(channels, 2 * channels, 3, 2, padding=1), *normalize(2 * channels)]
    for _ in range(blocks):
        layers.append(TorchBlock(4 * filters))
        if attention == "between":
            layers.append(TorchCBAM(4 * filters, reduction))
    for channels in (4 * filters, 2 * filters):
        double = nn.ConvTranspose2d(channels, channels // 2, 3, 2, padding=1, output_padding=1)
        layers += [double, *normalize(channels // 2)]
    return nn.Sequential(*layers, nn.ReflectionPad2d(3), nn.Conv2d(filters, 3, 7), nn.Tanh())


def torch_discriminator(filters: int = 64, layers: int = 3) -> nn.Sequential:
    """Builds the twin of `patch_discriminator` with instance norm.

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


def copy_weights(source: keras.Model, twin: nn.Module) -> None:
    """Copies the weights of a Keras network into its twin.

    Args:
        source: built by `resnet_generator` or `patch_discriminator`.
        twin: built by the function of the same name here, with the same settings.

    Raises:
        ValueError: if the two do not have the same weights.
    """
    parameters = list(twin.parameters())
    if len(source.weights) != len(parameters):
        raise ValueError(f"The twin should have {len(source.weights)} weights. Received: {len(parameters)}")
    for weight, parameter in zip(source.weights, parameters, strict=True):
        value = np.asarray(weight)
        if value.ndim == 4:  # [H, W, in, out] -> [out, in, H, W]; transposed: [H, W, out, in] -> [in, out, H, W]
            value = value.transpose(3, 2, 0, 1)
        elif value.ndim == 2:
            value = value.T
        if value.shape != tuple(parameter.shape):
            raise ValueError(f"{weight.path} should fit {tuple(parameter.shape)}. Received: {value.shape}")
        with torch.no_grad():
            parameter.copy_(torch.from_numpy(np.ascontiguousarray(value)))
