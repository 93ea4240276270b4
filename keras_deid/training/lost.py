"""What it looks like when another worker has ended."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import tensorflow as tf

from keras_deid.training.cluster import Worker

_SIGNS = (
    tf.errors.UnavailableError,
    tf.errors.AbortedError,
    tf.errors.CancelledError,
    tf.errors.DeadlineExceededError,
    tf.errors.InternalError,
)


class WorkerLost(Exception):
    """Another worker has ended before its time; what was saved last stays."""


@contextlib.contextmanager
def noticing_lost_workers(worker: Worker) -> Iterator[None]:
    """Turns TensorFlow's errors of what all workers do together into `WorkerLost`.

    Args:
        worker: that this process is; alone, it loses nobody.
    """
    try:
        yield
    except _SIGNS as error:
        if worker.count == 1:
            raise
        raise WorkerLost(
            f"worker {worker.number} of {worker.count} has lost another one, which has ended or cannot be reached; "
            "start all of them again with the same command, and they continue from the last checkpoint"
        ) from error
