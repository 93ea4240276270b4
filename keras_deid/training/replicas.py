"""What the replicas of a model do together within a step; all of it does nothing where there is one device.

Each replica sees its rows of the batch. The loss of the whole batch is the mean of the replicas' losses, as long as a
mean that is not over all of a replica's pixels takes what it divides by from `mean_of_replicas`.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Sequence

import keras
import tensorflow as tf

_SEEDS_APART = 7919
"""Between the dropout seeds of two replicas."""


def replica_count() -> int:
    """Returns the number of replicas that share a batch."""
    return int(tf.distribute.get_strategy().num_replicas_in_sync)


def mean_of_replicas(value: tf.Tensor) -> tf.Tensor:
    """Returns the mean over the replicas of a tensor of each; gradients go through it to all of them."""
    if replica_count() == 1:
        return value
    return tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.MEAN, value)


def on_whole_batch(function: Callable[[tf.Tensor], tf.Tensor], rows: tf.Tensor) -> tf.Tensor:
    """Applies a function to the whole batch and returns this replica's rows of what it returns.

    Args:
        function: takes and returns a batch; a state that it changes stays the same on all replicas.
        rows: this replica's rows, `(rows, ...)`.
    """
    replicas = replica_count()
    if replicas == 1:
        return function(rows)
    whole = tf.distribute.get_replica_context().all_gather(rows, axis=0)
    whole.set_shape((rows.shape[0] * replicas, *rows.shape[1:]))
    return rows_of_whole_batch(lambda count: function(whole), rows.shape[0])


def rows_of_whole_batch(make: Callable[[int | tf.Tensor], tf.Tensor], count: int | tf.Tensor) -> tf.Tensor:
    """Makes something for the whole batch and returns this replica's rows of it.

    Args:
        make: takes the number of rows of the whole batch.
        count: the number of rows of a replica.
    """
    replicas = replica_count()
    if replicas == 1:
        return make(count)
    first = tf.distribute.get_replica_context().replica_id_in_sync_group * count
    return make(count * replicas)[first : first + count]


def share_of_gradients(gradients: Sequence[tf.Tensor]) -> list[tf.Tensor]:
    """Returns a replica's share of the gradients of the mean loss: optimizers sum what the replicas give them.

    If a gradient of any replica is not finite, all become NaN on all replicas, because `keras.LossScaleOptimizer` looks
    at one replica only when it decides whether float16 has overflowed.
    """
    replicas = replica_count()
    if replicas == 1:
        return list(gradients)
    finite = tf.reduce_all([tf.reduce_all(tf.math.is_finite(gradient)) for gradient in gradients])
    fit = tf.cast(finite, tf.float32)
    fit = tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.SUM, fit)
    return [
        tf.where(fit < replicas, tf.constant(float("nan"), gradient.dtype), gradient / replicas)
        for gradient in gradients
    ]


def see_whole_batch(networks: Iterable[keras.Model]) -> None:
    """Lets layers do as they would with the whole batch on one device, where there are several replicas.

    Batch normalization takes its moments over all replicas; dropout leaves out other values on each.
    """
    if replica_count() == 1:
        return
    for layer in (layer for network in networks for layer in network._flatten_layers()):
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.synchronized = True
        if isinstance(layer, keras.layers.Dropout) and layer.rate:
            layer.seed_generator.next = functools.partial(_next_own, layer.seed_generator.next)


def _next_own(next_seed: Callable[[], tf.Tensor]) -> tf.Tensor:
    """Returns the next seed of a generator, another one on each replica."""
    seed = next_seed()
    replica = tf.distribute.get_replica_context().replica_id_in_sync_group
    return seed + tf.cast(tf.stack([replica * _SEEDS_APART, 0]), seed.dtype)
