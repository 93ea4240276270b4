"""One worker of a training: a process of its own, with one device or several."""

# ruff: noqa: E402

from __future__ import annotations

import json
import os
import time

from keras_deid.cli.start_tensorflow import start_tensorflow

start_tensorflow()

import keras
import numpy as np
import tensorflow as tf

from keras_deid.config import Config
from keras_deid.training.loop import fit
from keras_deid.training.networks import build_gan
from keras_deid.training.precision import set_precision
from keras_deid.training.replicas import see_whole_batch
from keras_deid.training.workers import Workers

MANY = 10**6


class Contestant:
    """Trains a configuration on pictures of noise that are in memory.

    Args:
        config: what to train; `training.strategy` says on what.
        threads: within and between operations.
        devices: logical CPU devices.
        addresses: `HOST:PORT` of all workers; empty: this one is alone.
        number: of this worker.
    """

    def __init__(self, config: Config, threads: int, devices: int, addresses: list[str], number: int) -> None:
        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(threads)
        processor = tf.config.list_physical_devices("CPU")[0]
        tf.config.set_logical_device_configuration(processor, [tf.config.LogicalDeviceConfiguration()] * devices)
        if addresses:
            task = {"type": "worker", "index": number}
            os.environ["TF_CONFIG"] = json.dumps({"cluster": {"worker": addresses}, "task": task})
        self._workers = Workers(config.training.strategy)
        self._batch_size = config.training.batch_size
        keras.utils.set_random_seed(config.training.seed)
        set_precision(config.training.precision)
        with self._workers.strategy.scope():
            self._gan = build_gan(config, MANY)
            see_whole_batch(self._gan.networks)
        random = np.random.default_rng(0)
        height, width = config.data.image_size
        y = random.integers(0, 256, (self._batch_size, height, width, 3)).astype("uint8")
        mask = np.zeros((*y.shape[:3], 1), "float32")
        mask[:, height // 4 : height // 2, width // 4 : width // 2] = 1.0
        self._batch = np.where(mask == 1.0, 128, y).astype("uint8"), y, mask

    def gradient_bytes(self) -> int:
        """Returns the size of the gradients that the replicas exchange in a step, of one replica, in float32."""
        variables = [*self._gan.generator_variables, *self._gan.discriminator_variables]
        return 4 * sum(int(np.prod(variable.shape)) for variable in variables)

    def rate(self, steps: int) -> float:
        """Takes some steps, of which the first is not timed; returns pictures of all workers per second."""
        clock = _Clock(self._gan.steps_taken + 1 + steps)
        fit(
            self._gan,
            lambda step, rows: tf.data.Dataset.from_tensors(tuple(part[rows] for part in self._batch)).repeat(),
            [clock],
            batch_size=self._batch_size,
            steps_per_epoch=MANY,
            epochs=1,
            worker=self._workers.this,
        )
        return self._batch_size * (len(clock.ends) - 1) / (clock.ends[-1] - clock.ends[0])


class _Clock(keras.callbacks.Callback):
    """Writes down when each step ends, and stops after the last one."""

    def __init__(self, last: int) -> None:
        super().__init__()
        self.ends: list[float] = []
        self._last = last

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        self.ends.append(time.perf_counter())
        self.model.stop_training = self.model.steps_taken >= self._last
