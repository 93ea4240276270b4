"""A prepared data set on disk: what it consists of, how it is written and read.

TensorFlow is loaded when records are read or written: it takes seconds, and neither a look at the description nor the
workers of a preparation need it.

    OUT/
      dataset.json         schema version, settings, counts, fingerprint, versions: written last
      train-00000.tfrecord ...  val-00000.tfrecord ...  test-00000.tfrecord ...
      skipped.csv          path,reason: the photographs that gave no example
      contact_sheet.png    some examples of each split, with face box and person outline
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from keras_deid.data.boxes import Box
from keras_deid.data.images import resize_image, resize_mask, write_png
from keras_deid.data.split import SPLITS
from keras_deid.errors import UserError

if TYPE_CHECKING:
    import tensorflow as tf

SCHEMA = 1
DESCRIPTION = "dataset.json"
SKIPPED = "skipped.csv"
CONTACT_SHEET = "contact_sheet.png"

EXAMPLES_PER_SHARD = 1024


@dataclass(frozen=True)
class StoredExample:
    """One example as it lies on disk.

    Attributes:
        path: the photograph's path in its folder, `#`, and the number of the face in it.
        split: `"train"`, `"val"` or `"test"`.
        image: PNG, RGB.
        boxes: every face in the picture, pixels of the picture, the one that the example is about first.
        person: PNG, grey, 255 on the person whose face it is, of the picture's size; empty if that is not known.
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
        description: what is in `dataset.json`.
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
    def open(cls, folder: Path | str) -> PreparedDataset:
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
        import tensorflow as tf

        if split not in SPLITS:
            raise ValueError(f"Expected a split of {SPLITS}. Received: split={split!r}")
        files = [str(self.folder / shard["file"]) for shard in self.description["splits"][split]["shards"]]
        decode = _decode if self.settings["region"] == "photo" else self._decode_crop
        examples = tf.data.TFRecordDataset(files).map(decode, num_parallel_calls=tf.data.AUTOTUNE)
        return examples.apply(tf.data.experimental.assert_cardinality(self.counts[split]))

    def _decode_crop(self, record: tf.Tensor) -> dict[str, tf.Tensor]:
        size = self.settings["size"]
        example = _decode(record)
        del example["boxes"]  # as many as there are faces in the crop: such examples make no batch
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


def _decode(record: tf.Tensor) -> dict[str, tf.Tensor]:
    import tensorflow as tf

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
    import tensorflow as tf

    def content(value: bytes) -> tf.train.Feature:
        return tf.train.Feature(bytes_list=tf.train.BytesList(value=[value]))

    edges = [edge for box in example.boxes for edge in box]
    features = {
        "image": content(example.image),
        "boxes": tf.train.Feature(float_list=tf.train.FloatList(value=edges)),
        "person": content(example.person),
        "path": content(example.path.encode("utf-8", "surrogateescape")),
    }
    message = tf.train.Example(features=tf.train.Features(feature=features))
    return message.SerializeToString(deterministic=True)  # a map has no order of its own


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


def write_prepared(folder: Path, examples: Iterable[StoredExample], description: dict[str, Any]) -> PreparedDataset:
    """Writes the shards, the contact sheet and `dataset.json` of a data set.

    Args:
        folder: exists; what it holds already stays.
        examples: are read once, and stored in the order that they come in.
        description: what `dataset.json` says besides `schema`, `splits` and `fingerprint`.

    Returns:
        The data set in `folder`.
    """
    writers = {split: _SplitWriter(folder, split) for split in SPLITS}
    hashes = []
    for example in examples:
        record = _encode(example)
        writers[example.split].write(example, record)
        hashes.append(hashlib.blake2b(example.split.encode() + record, digest_size=16).digest())
    for writer in writers.values():
        writer.close()
    complete = {
        "schema": SCHEMA,
        **description,
        "splits": {split: writer.description() for split, writer in writers.items()},
        "fingerprint": hashlib.blake2b(b"".join(sorted(hashes)), digest_size=16).hexdigest(),
    }
    dataset = PreparedDataset(folder, complete)
    write_png(folder / CONTACT_SHEET, draw_contact_sheet(dataset))
    (folder / DESCRIPTION).write_text(json.dumps(complete, indent=2) + "\n", encoding="utf-8")
    return dataset


_COLUMNS = 8
_ROWS = {"train": 3, "val": 2, "test": 2}
_TILE = 160  # pixels, with the margin
_PICTURE = 152
_LINE = 18  # pixels for a line of text
_FACE_COLOUR = (255, 64, 64)
_OTHER_FACE_COLOUR = (255, 200, 0)
_PERSON_COLOUR = (64, 255, 64)


def draw_contact_sheet(dataset: PreparedDataset) -> np.ndarray:
    """Draws some examples of each split to look at, evenly spread over it.

    The face of an example is framed in red, other faces (in whole photographs) in yellow; the person is outlined in
    green. Below stands the path.

    Returns:
        uint8 array `(height, width, 3)`, RGB.
    """
    parts = []
    for split in SPLITS:
        tiles = [_draw_tile(example) for example in _spread(dataset, split, _COLUMNS * _ROWS[split])]
        title = f"{split}: {len(tiles)} of {dataset.counts[split]} examples"
        parts.append(_write_text(_white(_LINE + 10, _COLUMNS * _TILE), title, 20, 0.5))
        while len(tiles) % _COLUMNS:
            tiles.append(_white(_TILE + _LINE, _TILE))
        parts += [np.hstack(tiles[start : start + _COLUMNS]) for start in range(0, len(tiles), _COLUMNS)]
    return np.vstack(parts)


def _spread(dataset: PreparedDataset, split: str, most: int) -> Iterator[dict[str, Any]]:
    count = dataset.counts[split]
    chosen = {number * count // most for number in range(most)} if count > most else set(range(count))
    for number, example in enumerate(dataset.examples(split).as_numpy_iterator()):
        if number in chosen:
            yield example


def _draw_tile(example: dict[str, Any]) -> np.ndarray:
    height, width = example["image"].shape[:2]
    scale = _PICTURE / max(height, width)
    drawn = resize_image(example["image"], (max(round(height * scale), 1), max(round(width * scale), 1)))
    if example["has_person"]:
        person = resize_mask(example["person"], drawn.shape[:2])
        outlines, _ = cv2.findContours(person, cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
        cv2.drawContours(drawn, outlines, -1, _PERSON_COLOUR, 1)
    for box in example.get("boxes", ())[1:]:
        _draw_box(drawn, box * scale, _OTHER_FACE_COLOUR)
    _draw_box(drawn, example["box"] * scale, _FACE_COLOUR)
    tile = _white(_TILE + _LINE, _TILE)
    margin = (_TILE - _PICTURE) // 2
    tile[margin : margin + drawn.shape[0], margin : margin + drawn.shape[1]] = drawn
    path = example["path"].decode("utf-8", "replace")
    return _write_text(tile, path if len(path) <= 24 else "..." + path[-21:], _TILE + 9, 0.35)


def _white(height: int, width: int) -> np.ndarray:
    return np.full((height, width, 3), 255, np.uint8)


def _draw_box(image: np.ndarray, box: np.ndarray, colour: tuple[int, int, int]) -> None:
    x0, y0, x1, y1 = (round(edge) for edge in box.tolist())
    cv2.rectangle(image, (x0, y0), (x1 - 1, y1 - 1), colour, 1)


def _write_text(image: np.ndarray, text: str, baseline: int, size: float) -> np.ndarray:
    return cv2.putText(image, text, (4, baseline), cv2.FONT_HERSHEY_SIMPLEX, size, (0, 0, 0), 1, cv2.LINE_AA)
