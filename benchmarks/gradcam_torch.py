"""pytorch-grad-cam at its best: all layers in one pass, the faster memory layout and way to the gradients."""

from __future__ import annotations

import numpy as np
import torch
from pytorch_grad_cam import GradCAM

from benchmarks.torch_contestant import LAYOUTS
from benchmarks.torch_gan import build_generator
from benchmarks.torch_networks import TorchBlock, TorchCBAM, copy_weights, torch_discriminator
from benchmarks.turns import rate
from keras_deid.config import Config

Weights = list[np.ndarray]


class Form:
    """One way to run it.

    Args:
        config: what to build.
        weights: of G and of D, as Keras returns them.
        x: float32 `(batch, height, width, 3)` in [-1, 1].
        layout: memory layout of weights and pictures.
        frozen: whether gradients start from the picture, without those of the weights, rather than from the weights.
    """

    def __init__(
        self, config: Config, weights: tuple[Weights, Weights], x: np.ndarray, layout: torch.memory_format, frozen: bool
    ) -> None:
        generator = build_generator(config)
        discriminator = torch_discriminator(config.discriminator.filters, config.discriminator.layers)
        for network, values in zip((generator, discriminator), weights, strict=True):
            copy_weights(values, network)
        model = torch.nn.Sequential(generator, discriminator).to(memory_format=layout).requires_grad_(not frozen)
        kind = TorchBlock if config.generator.attention == "none" else TorchCBAM
        layers = [module for module in generator.modules() if isinstance(module, kind)]
        self._cam = GradCAM(model, layers)
        self._cam.compute_input_gradient = frozen
        self._x = torch.tensor(x).permute(0, 3, 1, 2).contiguous(memory_format=layout)
        self._targets = [torch.mean] * len(x)  # the mean patch logit

    def explain(self) -> np.ndarray:
        """Makes the library's maps: normalized, enlarged, and their mean over the layers."""
        return self._cam(self._x, self._targets)

    def maps(self) -> list[np.ndarray]:
        """Makes each layer's maps as they are before the library normalizes them, `(batch, rows, columns)`."""
        self.explain()
        passed = self._cam.activations_and_grads
        return [
            np.maximum(self._cam.get_cam_image(self._x, layer, self._targets, features.numpy(), gradients.numpy()), 0)
            for layer, features, gradients in zip(
                self._cam.target_layers, passed.activations, passed.gradients, strict=True
            )
        ]


class Contestant:
    """What `benchmarks.gradcam_keras.Contestant` does, by pytorch-grad-cam.

    Args:
        config: of the run.
        threads: threads within operations.
        weights: of G and of D, as Keras returns them.
        x: the scenes.
    """

    def __init__(self, config: Config, threads: int, weights: tuple[Weights, Weights], x: np.ndarray) -> None:
        torch.set_num_threads(threads)
        self._images = len(x)
        self._forms = {
            f"{name}, {way}": Form(config, weights, x, layout, frozen)
            for name, layout in LAYOUTS.items()
            for way, frozen in (("as it comes", False), ("weights frozen", True))
        }

    def maps(self) -> list[np.ndarray]:
        """Returns each layer's maps, float32 `(batch, rows, columns)`."""
        return next(iter(self._forms.values())).maps()

    def keep_the_fastest(self, seconds: float) -> dict[str, float]:
        """Tries every form for so many seconds, after warming up, and keeps the fastest; returns their rates."""
        rates = {}
        for name, form in self._forms.items():
            form.explain()
            rates[name] = rate(form.explain, self._images, seconds)
        fastest = max(rates, key=lambda name: rates[name])
        self._forms = {fastest: self._forms[fastest]}
        return rates

    def rate(self, seconds: float) -> float:
        """Takes maps for so many seconds and returns images per second."""
        (form,) = self._forms.values()
        return rate(form.explain, self._images, seconds)
