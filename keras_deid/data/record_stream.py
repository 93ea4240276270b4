"""The training split of a prepared data set that does not fit in memory: read again in every epoch."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass

import tensorflow as tf

from keras_deid.data.prepared import PreparedDataset

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
        wanted: path of an example -> whether it counts; None: all do.
    """

    files: tuple[str, ...]
    decode: Callable[[tf.Tensor], dict[str, tf.Tensor]]
    buffer: int
    wanted: Callable[[tf.Tensor], tf.Tensor] | None = None

    @classmethod
    def of(cls, dataset: PreparedDataset) -> RecordStream:
        """Opens the training split of a data set."""
        size = sum(shard["bytes"] for shard in dataset.description["splits"]["train"]["shards"])
        mean = max(size // max(dataset.counts["train"], 1), 1)
        return cls(tuple(dataset.files("train")), dataset.decode, max(SHUFFLED_BYTES // mean, 1))

    def chosen(self, wanted: Callable[[tf.Tensor], tf.Tensor]) -> RecordStream:
        """Returns the part of which `wanted` holds, by path."""
        return dataclasses.replace(self, wanted=wanted)

    def paths(self) -> tf.data.Dataset:
        """Returns the paths of the examples, in order."""
        return tf.data.TFRecordDataset(list(self.files)).map(_path_of)

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
        return records.shuffle(self.buffer, seed=seed)


def _path_of(record: tf.Tensor) -> tf.Tensor:
    return tf.io.parse_single_example(record, {"path": tf.io.FixedLenFeature((), tf.string)})["path"]
