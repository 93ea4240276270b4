"""Ours: what `fit` and a restoring program run."""

# ruff: noqa: E402

from __future__ import annotations

from keras_deid.cli.start_tensorflow import start_tensorflow

start_tensorflow()

import functools
import time
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from benchmarks.turns import rate
from keras_deid.config import Config
from keras_deid.models.pixels import to_signed
from keras_deid.restoring.crop_batches import BATCH_SIZE
from keras_deid.restoring.graphs import restoring_function
from keras_deid.restoring.openvino_network import OpenVinoNetwork, compile_for, convert
from keras_deid.training.loop import CompiledStep
from keras_deid.training.networks import build_gan, build_generator
from keras_deid.training.precision import set_precision

Weights = list[np.ndarray]


class Contestant:
    """The training model of a configuration, with shuffled weights.

    Args:
        config: what to build.
        precision: Keras's dtype policy.
        threads: threads within and between operations.
        batch: (x, y, mask) as in `PairedGAN`.
    """

    def __init__(self, config: Config, precision: str, threads: int, batch: tuple[np.ndarray, ...]) -> None:
        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(threads)
        keras.utils.set_random_seed(config.training.seed)
        set_precision(precision)
        self._config, self._precision, self._threads = config, precision, threads
        self._gan = build_gan(config, steps_per_epoch=1000)
        self._gan.generator.set_weights(_shuffled(self._gan.generator.get_weights()))
        self._gan.discriminator.set_weights(_shuffled(self._gan.discriminator.get_weights()))
        self._gan.restorer.set_weights(self._gan.generator.get_weights())
        self._batch = tuple(tf.constant(values) for values in batch)
        self._many = tf.constant(np.resize(batch[0], (BATCH_SIZE, *batch[0].shape[1:])))
        self._train = CompiledStep(self._gan)
        self._restore = tf.function(lambda x: self._gan.generator(to_signed(x), training=False))

    def weights(self) -> tuple[Weights, Weights]:
        """Returns the weights of G and of D."""
        return self._gan.generator.get_weights(), self._gan.discriminator.get_weights()

    def outputs(self) -> tuple[np.ndarray, np.ndarray]:
        """Returns G(x), `(batch, height, width, 3)`, and D(y), `(batch, rows, columns, 1)`."""
        return self._restore(self._batch[0]).numpy(), self._gan.discriminator(to_signed(self._batch[1])).numpy()

    def losses(self, steps: int) -> list[dict[str, float]]:
        """Takes so many training steps and returns what each logged."""
        return [self._train(self._batch)[0] for _ in range(steps)]

    def training_rate(self, seconds: float) -> float:
        """Trains for so many seconds and returns images per second."""
        return rate(lambda: self._train(self._batch), len(self._batch[0]), seconds)

    def profile(self, folder: Path, seconds: float) -> tuple[int, float]:
        """Trains for about so many seconds under TensorFlow's profiler, which writes to a folder.

        Returns:
            How many steps were taken, and in how many seconds.
        """
        steps, started = 0, time.perf_counter()
        with tf.profiler.experimental.Profile(str(folder)):
            while (passed := time.perf_counter() - started) < seconds:
                self._train(self._batch)
                steps += 1
        return steps, passed

    def graph(self) -> tf.Graph:
        """Returns the graph of a training step."""
        return tf.function(self._gan.train_step).get_concrete_function(self._batch).graph

    def restoring_rate(self, seconds: float) -> float:
        """Restores for so many seconds, in the batches of `restore.py`, and returns images per second."""
        return rate(lambda: self._restore(self._many).numpy(), BATCH_SIZE, seconds)

    def openvino_rate(self, seconds: float) -> float:
        """The same on OpenVINO, as `keras-deid restore` does where it is installed."""
        network, pictures = self._on_openvino, self._many.numpy()
        return rate(lambda: network(pictures), BATCH_SIZE, seconds)

    @functools.cached_property
    def _on_openvino(self) -> OpenVinoNetwork:
        set_precision("float32")  # OpenVINO chooses for itself where to compute in bfloat16
        generator = build_generator(self._config)
        set_precision(self._precision)
        generator.set_weights(self._gan.generator.get_weights())
        precision = "float32" if self._precision == "float32" else "bfloat16"
        network = convert(restoring_function(generator))
        return OpenVinoNetwork(compile_for(network, precision, {"INFERENCE_NUM_THREADS": self._threads}))


def _shuffled(weights: Weights) -> Weights:
    """Returns weights none of which is where its initializer put it, such as a bias at 0."""
    random = np.random.default_rng(0)
    return [weight + random.normal(0.0, 0.02, weight.shape).astype(weight.dtype) for weight in weights]
