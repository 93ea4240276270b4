"""A prepared data set on disk: what it consists of, how it is written and read.

    OUT/
      dataset.json         schema version, settings, counts, fingerprint, versions: written last
      train-00000.tfrecord ...  val-00000.tfrecord ...  test-00000.tfrecord ...
      skipped.csv          path,reason: the photographs that gave no example
      contact_sheet.png    some examples of each split, with face box and person outline
"""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tensorflow as tf

from keras_deid.data.boxes import Box
from keras_deid.data.split import SPLITS
from keras_deid.errors import UserError

SCHEMA = 1
DESCRIPTION = "dataset.json"
RECORDS_PER_SHARD = 1024


@dataclass(frozen=True)
class StoredExample:
    """One example as it lies on disk.

    Attributes:
        path: the photograph's path in its folder, `#`, and the number of the face in it.
        split: `"train"`, `"val"` or `"test"`.
        image: PNG, RGB.
        boxes: every face in the picture, pixels of the picture, the one that the example is about first.
        person: PNG, grey, 255 on the person, of the picture's size; empty if there is no mask.
    """

    path: str
    split: str
    image: bytes
    boxes: tuple[Box, ...]
    person: bytes


class PreparedDataset:
    """A prepared data set, opened for reading.

    Attributes:
        folder: where it lies.
        settings: what it was prepared with.
        counts: number of examples of each split.
        fingerprint: hexadecimal; the same for the same examples, whoever prepared them.
    """

    def __init__(self, folder: Path, description: dict[str, Any]) -> None:
        self.folder = folder
        self.description = description
        self.settings: dict[str, Any] = description["settings"]
        self.counts: dict[str, int] = {split: description["splits"][split]["examples"] for split in SPLITS}
        self.fingerprint: str = description["fingerprint"]

    @classmethod
    def open(cls, folder: Path | str) -> "PreparedDataset":
        """Opens a prepared data set.

        Args:
            folder: what `scripts/prepare.py` wrote.

        Raises:
            UserError: if `folder` is missing, is no prepared data set, is of another schema version, or lacks a shard.
        """
        folder = Path(folder)
        description = read_description(folder)
        for split in SPLITS:
            for shard in description["splits"][split]["shards"]:
                path = folder / shard["file"]
                if not path.is_file() or path.stat().st_size != shard["bytes"]:
                    state = "is not as it was written" if path.is_file() else "is missing"
                    raise UserError(f"{path}: {state}; prepare the photographs again")
        return cls(folder, description)

    def examples(self, split: str) -> tf.data.Dataset:
        """Reads the examples of a split, always in the same order.

        Args:
            split: `"train"`, `"val"` or `"test"`.

        Returns:
            Dictionaries with `image` uint8 `(height, width, 3)`, RGB; `box` float32 `(4,)`, the face, pixels of the
            picture; `person` uint8 `(height, width)`, 1 on the person, zeros if unknown; `has_person` bool; `path`
            string. Height and width are the setting `size` for crops of faces. Whole photographs differ in size and
            have also `boxes` float32 `(faces, 4)`, all faces in them, that of `box` first.

        Raises:
            ValueError: if there is no such split.
        """
        if split not in SPLITS:
            raise ValueError(f"Expected a split of {SPLITS}. Received: split={split!r}")
        files = [str(self.folder / shard["file"]) for shard in self.description["splits"][split]["shards"]]
        decode = _decode_photo if self.settings["region"] == "photo" else self._decode_face
        return (
            tf.data.TFRecordDataset(files)
            .map(decode, num_parallel_calls=tf.data.AUTOTUNE)
            .apply(tf.data.experimental.assert_cardinality(self.counts[split]))
        )

    def _decode_face(self, record: tf.Tensor) -> dict[str, tf.Tensor]:
        size = self.settings["size"]
        example = _decode_photo(record)
        del example["boxes"]
        example["image"].set_shape((size, size, 3))
        example["person"].set_shape((size, size))
        return example


def read_description(folder: Path) -> dict[str, Any]:
    """Reads `dataset.json`.

    Raises:
        UserError: if `folder` is missing, is no prepared data set, or is of another schema version.
    """
    try:
        description = json.loads((folder / DESCRIPTION).read_text(encoding="utf-8"))
        schema = description["schema"]
    except FileNotFoundError as error:
        state = f"has no {DESCRIPTION}" if folder.is_dir() else "does not exist"
        raise UserError(f"{folder}: {state}; give a folder that scripts/prepare.py wrote") from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(f"{folder / DESCRIPTION}: cannot be read ({error}); prepare the photographs again") from error
    if schema != SCHEMA:
        raise UserError(
            f"{folder / DESCRIPTION}: expected schema version {SCHEMA}; received {schema}; "
            "prepare the photographs again with this version"
        )
    return description


def _decode_photo(record: tf.Tensor) -> dict[str, tf.Tensor]:
    features = tf.io.parse_single_example(
        record,
        {
            "image": tf.io.FixedLenFeature((), tf.string),
            "boxes": tf.io.VarLenFeature(tf.float32),
            "person": tf.io.FixedLenFeature((), tf.string),
            "path": tf.io.FixedLenFeature((), tf.string),
        },
    )
    image = tf.io.decode_png(features["image"], channels=3)
    boxes = tf.reshape(features["boxes"].values, (-1, 4))
    has_person = tf.strings.length(features["person"]) > 0
    person = tf.cond(
        has_person,
        lambda: tf.io.decode_png(features["person"], channels=1)[:, :, 0] // 255,
        lambda: tf.zeros(tf.shape(image)[:2], tf.uint8),
    )
    return {
        "image": image,
        "box": boxes[0],
        "boxes": boxes,
        "person": person,
        "has_person": has_person,
        "path": features["path"],
    }


def _encode(example: StoredExample) -> bytes:
    def text(value: bytes) -> tf.train.Feature:
        return tf.train.Feature(bytes_list=tf.train.BytesList(value=[value]))

    boxes = [value for box in example.boxes for value in box]
    features = {
        "image": text(example.image),
        "boxes": tf.train.Feature(float_list=tf.train.FloatList(value=boxes)),
        "person": text(example.person),
        "path": text(example.path.encode("utf-8")),
    }
    message = tf.train.Example(features=tf.train.Features(feature=features))
    return message.SerializeToString(deterministic=True)  # a map has no order of its own


@dataclass(frozen=True)
class WrittenSplits:
    """What `write_shards` wrote: for `dataset.json` the splits and the fingerprint."""

    splits: dict[str, dict[str, Any]]
    fingerprint: str


def write_shards(folder: Path, examples: Iterable[StoredExample]) -> WrittenSplits:
    """Writes examples into the shards of their splits, in the order that they come in.

    Args:
        folder: exists and is empty.
        examples: are read once.

    Returns:
        The counts and shards of each split, and the fingerprint of all examples, independent of their order.
    """
    shards: dict[str, list[dict[str, Any]]] = {split: [] for split in SPLITS}
    writers: dict[str, tf.io.TFRecordWriter] = {}
    hashes = []
    for example in examples:
        split_shards = shards[example.split]
        if not split_shards or split_shards[-1]["examples"] == RECORDS_PER_SHARD:
            if split_shards:
                writers[example.split].close()
            name = f"{example.split}-{len(split_shards):05d}.tfrecord"
            split_shards.append({"file": name, "examples": 0, "bytes": 0})
            writers[example.split] = tf.io.TFRecordWriter(str(folder / name))
        record = _encode(example)
        writers[example.split].write(record)
        split_shards[-1]["examples"] += 1
        hashes.append(hashlib.blake2b(example.split.encode() + record, digest_size=16).digest())
    for writer in writers.values():
        writer.close()
    for split_shards in shards.values():
        for shard in split_shards:
            shard["bytes"] = (folder / shard["file"]).stat().st_size
    return WrittenSplits(
        splits={
            split: {"examples": sum(shard["examples"] for shard in shards[split]), "shards": shards[split]}
            for split in SPLITS
        },
        fingerprint=hashlib.blake2b(b"".join(sorted(hashes)), digest_size=16).hexdigest(),
    )
