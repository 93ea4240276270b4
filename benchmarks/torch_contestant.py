"""PyTorch at its best: the faster memory layout, fused Adam, in each of the ways that it is run."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence

import numpy as np
import torch

from benchmarks.torch_gan import TorchGAN, Weights, build_generator, to_signed
from benchmarks.torch_networks import copy_weights
from benchmarks.torch_settings import RESTORING_WAYS, TRAINING_WAYS
from benchmarks.turns import rate
from keras_deid.config import Config
from keras_deid.restoring.crop_batches import BATCH_SIZE

LAYOUTS = {"channels first": torch.contiguous_format, "channels last": torch.channels_last}


class Contestant:
    """What `benchmarks.keras_contestant.Contestant` does, in PyTorch.

    Args:
        config: what to build.
        precision: Keras's name of it.
        threads: threads within operations.
        batch: (x, y, mask) as in `PairedGAN`.
        weights: of G and of D, as Keras returns them.
        ways: those of `TRAINING_WAYS` that are measured.
    """

    def __init__(
        self,
        config: Config,
        precision: str,
        threads: int,
        batch: tuple[np.ndarray, ...],
        weights: tuple[Weights, Weights],
        ways: Sequence[str] = tuple(TRAINING_WAYS),
    ) -> None:
        torch.set_num_threads(threads)
        self._images = len(batch[0])
        many = np.resize(batch[0], (BATCH_SIZE, *batch[0].shape[1:]))
        self._gan = TorchGAN(config, precision, torch.channels_last, weights)
        self._batch = self._gan.batch(batch)
        self._trainers: dict[str, dict[str, Callable[[], object]]] = {way: {} for way in ways}
        self._restorers: dict[str, dict[str, Callable[[], object]]] = {way: {} for way in RESTORING_WAYS if way in ways}
        for name, layout in LAYOUTS.items():
            for way, trainers in self._trainers.items():
                gan = TorchGAN(config, precision, layout, weights)
                if way == "compiled":
                    gan.compile()
                step = gan.train_step_in_turn if way == "pix2pix" else gan.train_step
                trainers[name] = _trainer(step, gan.batch(batch))
            for way, restorers in self._restorers.items():
                gan = TorchGAN(config, precision, layout, weights)
                whole = build_generator(config)
                copy_weights(weights[0], whole)
                whole.to(dtype=torch.bfloat16, memory_format=layout)
                if way == "compiled":
                    gan.compile()
                    whole.compile()
                restorers[name] = _restorer(gan, gan.pictures(many))
                if precision == "mixed_bfloat16":
                    restorers[f"{name}, weights cast beforehand"] = _bfloat16_restorer(whole, gan.pictures(many))

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
        """Tries all forms of each way, several times in turn, and keeps the fastest.

        Returns:
            Images per second of each form, by "training, WAY" and "restoring, WAY".
        """
        tried = {}
        for what, ways, images in (
            ("training", self._trainers, self._images),
            ("restoring", self._restorers, BATCH_SIZE),
        ):
            for way, forms in ways.items():
                turns = [{name: rate(work, images, seconds) for name, work in forms.items()} for _ in range(4)]
                # The first turn also warms up, and compiles.
                rates = {name: statistics.median(turn[name] for turn in turns[1:]) for name in forms}
                fastest = max(rates, key=lambda name: rates[name])
                ways[way] = {fastest: forms[fastest]}
                tried[f"{what}, {way}"] = rates
        return tried

    def training_rate(self, way: str, seconds: float) -> float:
        """Trains for so many seconds in one of the ways and returns images per second."""
        (work,) = self._trainers[way].values()
        return rate(work, self._images, seconds)

    def restoring_rate(self, way: str, seconds: float) -> float:
        """Restores for so many seconds, in the batches of `restore.py`, and returns images per second."""
        (work,) = self._restorers[way].values()
        return rate(work, BATCH_SIZE, seconds)


def _trainer(step: Callable[..., dict[str, torch.Tensor]], batch: tuple[torch.Tensor, ...]) -> Callable[[], object]:
    return lambda: step(batch)["g_loss"].item()


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
