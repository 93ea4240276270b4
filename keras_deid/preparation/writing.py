"""Writes the files of a prepared data set from encoded examples."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from keras_deid.data.images import write_png
from keras_deid.data.prepared import CONTACT_SHEET, DESCRIPTION, SCHEMA, PreparedDataset
from keras_deid.data.split import SPLITS
from keras_deid.preparation.contact_sheet import draw_contact_sheet
from keras_deid.preparation.stored import StoredExample, encode_record, fingerprint, record_hash

if TYPE_CHECKING:
    import tensorflow as tf

EXAMPLES_PER_SHARD = 1024


def write_prepared(folder: Path, examples: Iterable[StoredExample], description: dict[str, Any]) -> PreparedDataset:
    """Writes the shards, the contact sheet and `dataset.json` of a data set.

    Args:
        folder: an existing folder; its other files stay.
        examples: are read once and stored in this order.
        description: the content of `dataset.json` besides `schema`, `splits` and `fingerprint`.

    Returns:
        The data set in `folder`.
    """
    writers = {split: _SplitWriter(folder, split) for split in SPLITS}
    hashes = []
    for example in examples:
        record = encode_record(example)
        writers[example.split].write(example, record)
        hashes.append(record_hash(example.split, record))
    for writer in writers.values():
        writer.close()
    complete = {
        "schema": SCHEMA,
        **description,
        "splits": {split: writer.description() for split, writer in writers.items()},
        "fingerprint": fingerprint(hashes),
    }
    dataset = PreparedDataset(folder, complete)
    write_png(folder / CONTACT_SHEET, draw_contact_sheet(dataset))
    (folder / DESCRIPTION).write_text(json.dumps(complete, indent=2) + "\n", encoding="utf-8")
    return dataset


class _SplitWriter:
    """Writes the examples of one split, a shard after the other."""

    def __init__(self, folder: Path, split: str) -> None:
        self.shards: list[dict[str, Any]] = []
        self.photos: set[str] = set()
        self.examples = 0
        self.with_person = 0
        self._folder = folder
        self._split = split
        self._writer: tf.io.TFRecordWriter | None = None

    def write(self, example: StoredExample, record: bytes) -> None:
        if self._writer is None or self.shards[-1]["examples"] == EXAMPLES_PER_SHARD:
            self._writer = self._next_shard()
        self._writer.write(record)
        self.shards[-1]["examples"] += 1
        self.photos.add(example.path.rpartition("#")[0])
        self.examples += 1
        self.with_person += bool(example.person)

    def _next_shard(self) -> tf.io.TFRecordWriter:
        import tensorflow as tf

        self.close()
        name = f"{self._split}-{len(self.shards):05d}.tfrecord"
        self.shards.append({"file": name, "examples": 0})
        return tf.io.TFRecordWriter(str(self._folder / name))

    def close(self) -> None:
        if self._writer is not None:
            self._writer.close()
            self.shards[-1]["bytes"] = (self._folder / self.shards[-1]["file"]).stat().st_size

    def description(self) -> dict[str, Any]:
        return {
            "photos": len(self.photos),
            "examples": self.examples,
            "with_person": self.with_person,
            "shards": self.shards,
        }
