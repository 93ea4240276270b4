"""The devices and machines that train together, and what they agree on before they start."""

from __future__ import annotations

import secrets
from pathlib import Path

import tensorflow as tf

from keras_deid.errors import UserError
from keras_deid.training.cluster import ALONE, Worker, this_worker
from keras_deid.training.lost import noticing_lost_workers


class Workers:
    """All workers, as one of them sees them.

    Args:
        strategy: `training.strategy`.

    Raises:
        UserError: if the strategy cannot be had here.

    Attributes:
        this: the worker that this process is.
        strategy: what the model is built and trained under.
    """

    def __init__(self, strategy: str) -> None:
        self.this: Worker = this_worker(strategy)
        self.strategy = _strategy(strategy, self.this)

        @tf.function
        def gather(numbers: tf.Tensor) -> tf.Tensor:
            rows = self.strategy.run(
                lambda row: tf.distribute.get_replica_context().all_gather(row[None], 0), (numbers,)
            )
            return self.strategy.experimental_local_results(rows)[0]

        self._gather = gather

    @property
    def replicas(self) -> int:
        """Devices that share a batch."""
        return int(self.strategy.num_replicas_in_sync)

    def check_batch_size(self, batch_size: int) -> None:
        """Raises `UserError` unless the replicas can share a batch evenly."""
        if batch_size % self.replicas:
            raise UserError(
                f"training.batch_size={batch_size} cannot be shared by {self.replicas} devices: give a multiple of "
                f"{self.replicas}, or training.strategy=one"
            )

    def wait(self) -> None:
        """Waits until all workers have come here."""
        self._of_all([0])

    def check_shared(self, folder: Path) -> None:
        """Checks that all workers see the same folder.

        Args:
            folder: exists at the chief.

        Raises:
            UserError: on all workers, if one of them does not see what the chief writes there.
        """
        if self.this.count == 1:
            return
        drawn = self._of_all([secrets.randbits(48)])[0][0]  # by the chief
        mark = folder / f".partial.shared.{drawn}"  # of a name that is cleared away after a kill
        if self.this.chief:
            mark.touch()
        self.wait()
        seen = self._of_all([mark.exists()])
        if self.this.chief:
            mark.unlink()
        if not all(row[0] for row in seen):
            raise UserError(f"{folder}: is another folder on some workers; all need one that they share")

    def check_alike(self, **numbers: int) -> None:
        """Checks that all workers have the same numbers; the names say of what.

        Raises:
            UserError: on all workers, if one differs.
        """
        for name, values in zip(numbers, zip(*self._of_all(list(numbers.values())), strict=True), strict=True):
            if len(set(values)) > 1:
                raise UserError(
                    f"the workers differ in {name.replace('_', ' ')}: start all with the same command on the same data"
                )

    def _of_all(self, numbers: list[int]) -> list[list[int]]:
        """Returns the numbers of each replica, in order of the workers."""
        if self.this.count == 1:
            return [numbers]
        with noticing_lost_workers(self.this):
            return [list(row) for row in self._gather(tf.constant(numbers, tf.int64)).numpy().tolist()]


def _strategy(name: str, worker: Worker) -> tf.distribute.Strategy:
    if worker != ALONE:
        return _multi_worker(worker)
    gpus = len(tf.config.list_physical_devices("GPU"))
    if name == "mirrored" or (name == "auto" and gpus > 1):
        devices = tf.config.list_logical_devices("GPU" if gpus else "CPU")
        return tf.distribute.MirroredStrategy([device.name for device in devices])
    return tf.distribute.get_strategy()


def _multi_worker(worker: Worker) -> tf.distribute.Strategy:
    try:
        return tf.distribute.MultiWorkerMirroredStrategy()
    except tf.errors.OpError as error:
        raise UserError(
            f"worker {worker.number} of {worker.count} cannot join the others (TF_CONFIG): {error.message}"
        ) from error
