"""The loop over epochs and steps, the same for one device, several GPUs and several machines."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import keras
import tensorflow as tf

from keras_deid.errors import UserError
from keras_deid.training.cluster import ALONE, Worker
from keras_deid.training.lost import noticing_lost_workers
from keras_deid.training.stepped import SteppedModel

BatchesFrom = Callable[[int, slice], tf.data.Dataset]
"""(first step, rows of each batch) -> batches without end."""


def fit(
    model: SteppedModel,
    batches_from: BatchesFrom,
    callbacks: list[keras.callbacks.Callback],
    *,
    batch_size: int,
    steps_per_epoch: int,
    epochs: int,
    worker: Worker = ALONE,
) -> None:
    """Trains up to so many epochs, from the step that the model has reached.

    Args:
        model: compiled, in the scope of its strategy.
        batches_from: as described there. Each worker asks for its rows of a batch alone, and its devices share them.
        callbacks: are called as by Keras' `fit`. Their logs are the means of the losses over the epoch so far, or since
            the start if that was within the epoch. With `model.stop_training` they end the training after this step.
            Among several workers, all end at the same step: the next one.
        batch_size: pictures of a step, over all replicas; a multiple of their number.
        steps_per_epoch: of the run.
        epochs: of the run.
        worker: that this process is.

    Raises:
        UserError: if the data are damaged.
        WorkerLost: if another worker has ended.
    """
    model.stop_training = False
    if model.steps_taken >= epochs * steps_per_epoch:
        return
    step = CompiledStep(model, worker)
    called = keras.callbacks.CallbackList(callbacks, model=model)
    called.on_train_begin()
    batches = iter(_batches_of_replicas(model.distribute_strategy, batches_from, model.steps_taken, batch_size))
    for epoch in range(model.steps_taken // steps_per_epoch, epochs):
        called.on_epoch_begin(epoch)
        sums: dict[str, float] = {}
        first = model.steps_taken
        for count in range(1, (epoch + 1) * steps_per_epoch - first + 1):
            called.on_train_batch_begin(count - 1)
            started = time.perf_counter()
            batch = _next(batches)
            model.waited += time.perf_counter() - started
            losses, stop = step(batch, model.stop_training)
            sums = {name: sums.get(name, 0.0) + loss for name, loss in losses.items()}
            logs = {name: total / count for name, total in sums.items()}
            called.on_train_batch_end(count - 1, logs)
            if stop or (model.stop_training and worker == ALONE):
                break
        called.on_epoch_end(epoch, logs)
        if stop or (model.stop_training and worker == ALONE):
            break
    called.on_train_end(logs)


def _next(batches: Iterator[Any]) -> Any:
    try:
        return next(batches)
    except (tf.errors.DataLossError, tf.errors.InvalidArgumentError, tf.errors.NotFoundError) as error:
        raise UserError(
            f"the training data are damaged ({error.message.splitlines()[0]}); prepare the photographs again"
        ) from error


def _batches_of_replicas(
    strategy: tf.distribute.Strategy, batches_from: BatchesFrom, start_step: int, batch_size: int
) -> Any:
    """Returns batches that are shared out among the replicas in the order of their rows."""

    def of_worker(context: tf.distribute.InputContext) -> tf.data.Dataset:
        rows = batch_size // context.num_input_pipelines
        first = context.input_pipeline_id * rows
        batches = batches_from(start_step, slice(first, first + rows))
        if context.num_replicas_in_sync == 1:
            return batches
        batches = batches.rebatch(context.get_per_replica_batch_size(batch_size))
        # Known to be without end: otherwise the workers ask each other before every step whether all have a batch.
        return batches.apply(tf.data.experimental.assert_cardinality(tf.data.INFINITE_CARDINALITY))

    return strategy.distribute_datasets_from_function(of_worker)


class CompiledStep:
    """`train_step` on all replicas, as one graph; its losses come back in one piece.

    Args:
        model: compiled.
        worker: that this process is.
    """

    def __init__(self, model: SteppedModel, worker: Worker = ALONE) -> None:
        self._names: tuple[str, ...] = ()
        self._worker = worker
        strategy = model.distribute_strategy

        def on_replica(batch: Any, stop: tf.Tensor) -> tf.Tensor:
            losses = model.train_step(batch)
            self._names = tuple(losses)
            return tf.stack([*losses.values(), stop])

        def step(batch: Any, stop: tf.Tensor) -> tf.Tensor:
            return strategy.reduce(tf.distribute.ReduceOp.MEAN, strategy.run(on_replica, (batch, stop)), axis=None)

        self._step = tf.function(step, jit_compile=model.jit_compile is True)

    def __call__(self, batch: Any, stop: bool = False) -> tuple[dict[str, float], bool]:
        """Takes a step; returns its losses by name, and whether any worker has asked for it to be the last one."""
        with noticing_lost_workers(self._worker):
            *losses, asked = self._step(batch, tf.constant(stop, tf.float32)).numpy().tolist()
        return dict(zip(self._names, losses, strict=True)), asked > 0
