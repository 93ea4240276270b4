"""Where examples come from: prepared photographs, drawn scenes, pairs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf

from keras_deid.config import DataConfig
from keras_deid.data.names import printable
from keras_deid.data.pairs import Pairs, open_folders, open_matching, open_side_by_side
from keras_deid.data.prepared import PreparedDataset
from keras_deid.errors import UserError
from keras_deid.synthetic import synthetic_examples

ORIGINAL_CHANNELS = 3
PAIR_CHANNELS = 7
"""A pair travels as one picture, so that nothing can part it: x (3), y (3) and the mask."""

Size = tuple[int, int]


@dataclass(frozen=True)
class Example:
    """One example as it comes from its source, or resized.

    Attributes:
        path: what names it.
        picture: uint8 `(height, width, channels)`: the original and the person mask (4 channels), or a pair: x, y and
            the mask (7 channels). Masks are 0 and 1.
        boxes: float32 `(faces, 4)` in pixels, the face that the example is about first; of a pair what surrounds the
            region.
        has_person: whether the person mask is known.
    """

    path: str
    picture: np.ndarray
    boxes: np.ndarray
    has_person: bool


@dataclass(frozen=True)
class Source:
    """A data set with splits: a prepared one, drawn scenes, pairs.

    Attributes:
        counts: number of examples of each split.
        channels: how many of a picture's channels are needed for training.
        read: reads the examples of a split, always in the same order.
        stream: the training split without Python, as `PreparedDataset.examples` gives it, if there is such a thing.
    """

    counts: dict[str, int]
    channels: int
    read: Callable[[str], Iterator[Example]]
    stream: tf.data.Dataset | None = None


def open_source(data: DataConfig, size: Size) -> Source:
    """Opens what the configuration describes.

    Args:
        data: the configuration.
        size: (height, width) that drawn scenes have to cover, in pixels.

    Raises:
        UserError: if there is nothing at `data.path` that can be used.
    """
    if data.source == "synthetic":
        return _synthetic_source(data, size)
    if data.path is None:
        raise UserError(f"data.path should be given for data.source={data.source}")
    if data.source == "prepared":
        return _prepared_source(PreparedDataset.open(data.path))
    fractions = {"val_fraction": data.prepare.val_fraction, "test_fraction": data.prepare.test_fraction}
    if data.source == "folders":
        return _pairs_source(open_folders(data.path / "x", data.path / "y", data.masks, **fractions))
    if data.source == "unpaired_folders":
        return _pairs_source(open_matching(data.path))
    return _pairs_source(open_side_by_side(data.path, data.original_half, data.masks, **fractions))


def _synthetic_source(data: DataConfig, size: Size) -> Source:
    counts = {"train": data.synthetic.train, "val": data.synthetic.val, "test": data.synthetic.test}

    def read(split: str) -> Iterator[Example]:
        drawn = synthetic_examples(split, max(size), count=counts[split], seed=data.synthetic.seed)
        return _read_examples(drawn.as_numpy_iterator())

    return Source(counts, ORIGINAL_CHANNELS, read)


def _prepared_source(dataset: PreparedDataset) -> Source:
    def read(split: str) -> Iterator[Example]:
        return _read_examples(dataset.read(split))

    return Source(dataset.counts, ORIGINAL_CHANNELS, read, stream=dataset.examples("train"))


def _pairs_source(pairs: Pairs) -> Source:
    def read(split: str) -> Iterator[Example]:
        for pair in pairs.read(split):
            yield Example(
                printable(pair.path), np.dstack([pair.x, pair.y, pair.mask]), pair.box[None], has_person=False
            )

    return Source(pairs.counts, PAIR_CHANNELS, read)


def _read_examples(examples: Iterator[dict[str, Any]]) -> Iterator[Example]:
    for example in examples:
        yield Example(
            path=example["path"].decode("utf-8", "backslashreplace"),
            picture=np.dstack([example["image"], example["person"]]),
            boxes=all_boxes(example),
            has_person=bool(example["has_person"]),
        )


def all_boxes(example: Mapping[str, Any]) -> Any:
    """Returns float32 `(faces, 4)`, the face that the example is about first."""
    return example["boxes"] if "boxes" in example else example["box"][None]


def no_pictures(data: DataConfig, split: str, way_out: str) -> str:
    """Says that a split is empty, and what to do about it."""
    if data.source != "unpaired_folders":
        return f"the {split} split of {data.path or data.source} is empty: add pictures, or {way_out}"
    if split == "train":
        return f"{data.path}: trainA and trainB are not pairs; set training.method=unpaired, or give pairs"
    return (
        f"{data.path}: {split}A and {split}B have no picture of the same name, so that nothing can be compared; add "
        "some, or evaluate on other data"
    )
