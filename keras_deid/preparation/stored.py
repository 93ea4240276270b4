"""Examples as they are stored: encoded pictures, the records of a shard, and the fingerprint of all."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from keras_deid.boxes import Box
from keras_deid.config import PrepareConfig
from keras_deid.data.faces import FaceDetector
from keras_deid.data.images import ImageError, encode_png
from keras_deid.data.split import path_key, split_of
from keras_deid.preparation.examples import NoExample, pictures_of
from keras_deid.preparation.photographs import Photograph


@dataclass(frozen=True)
class StoredExample:
    """One example as it is stored.

    Attributes:
        path: the photograph's path in its folder, `#`, and the number of the face in it.
        split: `"train"`, `"val"` or `"test"`.
        image: PNG, RGB.
        boxes: every face in the picture, pixels of the picture, the main one first.
        person: PNG, grey, of the picture's size, 255 on the person with the main face; empty if not known.
    """

    path: str
    split: str
    image: bytes
    boxes: tuple[Box, ...]
    person: bytes


class ExampleMaker:
    """Turns photographs into examples, one photograph at a time.

    Args:
        settings: of the preparation.
        detects: whether faces have to be detected.
    """

    def __init__(self, settings: PrepareConfig, detects: bool) -> None:
        self._settings = settings
        self._detector = FaceDetector(settings.min_face, settings.min_score) if detects else None

    def make(self, photograph: Photograph) -> list[StoredExample]:
        """Returns the examples of a photograph.

        Raises:
            NoExample: if it gives none, or cannot be read.
        """
        try:
            pictures = pictures_of(self._settings, photograph, self._detector)
        except ImageError as error:
            raise NoExample(error.reason) from error
        split = photograph_split(self._settings, photograph.name)
        return [
            StoredExample(
                path=f"{photograph.name}#{number}",
                split=split,
                image=encode_png(picture.image),
                boxes=picture.boxes,
                person=b"" if picture.person is None else encode_png(picture.person * np.uint8(255)),
            )
            for number, picture in enumerate(pictures)
        ]


def photograph_split(settings: PrepareConfig, name: str) -> str:
    """Returns the split of a photograph, by its path inside the folder of photographs."""
    return split_of(path_key(name), settings.val_fraction, settings.test_fraction)


def encode_record(example: StoredExample) -> bytes:
    """Returns the record of an example: a `tf.train.Example`, the same bytes for the same example.

    TensorFlow is loaded only now: loading takes seconds, and the workers of a local preparation do not need it.
    """
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
    return message.SerializeToString(deterministic=True)  # the order of a map is not defined otherwise


def record_hash(split: str, record: bytes) -> bytes:
    """Returns 16 bytes that stand for a record in a split."""
    return hashlib.blake2b(split.encode() + record, digest_size=16).digest()


def fingerprint(hashes: Iterable[bytes]) -> str:
    """Returns the fingerprint of a data set, hexadecimal, from the `record_hash` of each example, in any order."""
    return hashlib.blake2b(b"".join(sorted(hashes)), digest_size=16).hexdigest()
