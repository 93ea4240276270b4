"""The training split of a prepared data set that does not fit in memory: read again in every epoch."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass

import tensorflow as tf

from keras_deid.data.prepared import PreparedDataset
from keras_deid.data.step_plan import Plan

SHUFFLED_BYTES = 256_000_000
"""Records of so many bytes are held in memory, and the next one is drawn among them."""
_OPEN_FILES = 16
"""Files that are read at a time, a record of each in turn."""


@dataclass(frozen=True)
class RecordStream:
    """Records in files.

    Attributes:
        files: paths, or URLs that TensorFlow reads.
        decode: record -> example, as `PreparedDataset.examples` gives it.
        buffer: number of records among which the next one is drawn.
        size: of all files, in bytes.
        wanted: path of an example -> whether it counts; None: all do.
        repeats: first box of an example -> how often it comes in an epoch, int64; None: once.
    """

    files: tuple[str, ...]
    decode: Callable[[tf.Tensor], dict[str, tf.Tensor]]
    buffer: int
    size: int = 0
    wanted: Callable[[tf.Tensor], tf.Tensor] | None = None
    repeats: Callable[[tf.Tensor], tf.Tensor] | None = None

    @classmethod
    def of(cls, dataset: PreparedDataset) -> RecordStream:
        """Opens the training split of a data set."""
        size = sum(shard["bytes"] for shard in dataset.description["splits"]["train"]["shards"])
        mean = max(size // max(dataset.counts["train"], 1), 1)
        return cls(tuple(dataset.files("train")), dataset.decode, max(SHUFFLED_BYTES // mean, 1), size)

    def chosen(self, wanted: Callable[[tf.Tensor], tf.Tensor]) -> RecordStream:
        """Returns the part of which `wanted` holds, by path."""
        return dataclasses.replace(self, wanted=wanted)

    def repeated(self, repeats: Callable[[tf.Tensor], tf.Tensor]) -> RecordStream:
        """Returns a stream in which examples come several times in an epoch, as `repeats` says by their first box."""
        return dataclasses.replace(self, repeats=repeats)

    def paths(self) -> tf.data.Dataset:
        """Returns the paths of the examples, in order."""
        return tf.data.TFRecordDataset(list(self.files)).map(_path_of)

    def first_boxes(self) -> tf.data.Dataset:
        """Returns the first box of each example, float32 `(4,)`, in order."""
        return tf.data.TFRecordDataset(list(self.files)).map(_first_box_of)

    def shuffled(self, seed: tf.Tensor) -> tf.data.Dataset:
        """Returns the records in an order that the seed gives: that of the files, then among those in memory.

        Args:
            seed: scalar, int64.
        """
        files = tf.data.Dataset.from_tensor_slices(list(self.files)).shuffle(len(self.files), seed=seed)
        records = files.interleave(
            tf.data.TFRecordDataset, _OPEN_FILES, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True
        )
        wanted = self.wanted
        if wanted is not None:
            records = records.filter(lambda record: wanted(_path_of(record)))
        repeats = self.repeats
        if repeats is not None:
            records = records.flat_map(
                lambda record: tf.data.Dataset.from_tensors(record).repeat(repeats(_first_box_of(record)))
            )
        return records.shuffle(self.buffer, seed=seed)

    def numbered(self, plan: Plan) -> tf.data.Dataset:
        """Returns (number, record) of the plan's own rows, without end; the numbers count over all epochs.

        A run that continues within an epoch reads on from the start of that epoch.
        """
        epoch_length = plan.steps * plan.batch_size

        def in_rows(number: tf.Tensor, record: tf.Tensor) -> tf.Tensor:
            row = number % plan.batch_size
            return (row >= plan.own.start) & (row < plan.own.stop)

        def epoch_records(epoch: tf.Tensor) -> tf.data.Dataset:
            tf.random.set_seed(1)  # of this function's graph alone: the order depends on no global seed
            order = tf.random.stateless_uniform((), plan.key(epoch), None, None, tf.int64, alg="philox")
            first = epoch * epoch_length
            numbered = self.shuffled(order).take(epoch_length).enumerate(first)
            return numbered.skip(tf.maximum(plan.start_step * plan.batch_size - first, 0)).filter(in_rows)

        return plan.epochs().flat_map(epoch_records)


def _path_of(record: tf.Tensor) -> tf.Tensor:
    return tf.io.parse_single_example(record, {"path": tf.io.FixedLenFeature((), tf.string)})["path"]


def _first_box_of(record: tf.Tensor) -> tf.Tensor:
    return tf.io.parse_single_example(record, {"boxes": tf.io.VarLenFeature(tf.float32)})["boxes"].values[:4]
