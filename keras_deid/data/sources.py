"""Where examples come from: prepared photographs, drawn scenes, pairs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from keras_deid.config import DataConfig
from keras_deid.data.names import printable
from keras_deid.data.pairs import Pair, Pairs, open_folders, open_matching, open_side_by_side
from keras_deid.data.prepared import PreparedDataset
from keras_deid.data.record_stream import RecordStream
from keras_deid.errors import UserError
from keras_deid.synthetic import draw_scene, synthetic_examples
from keras_deid.synthetic.examples import scene_path, scene_seed

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
        stream: the training split as records, where it lies in records.
        read_at: reads one example of the training split by its number in that order, where it does not.
        paths: names of the training examples by number, where `read_at` is given.
    """

    counts: dict[str, int]
    channels: int
    read: Callable[[str], Iterator[Example]]
    stream: RecordStream | None = None
    read_at: Callable[[int], Example] | None = None
    paths: Callable[[], Sequence[str]] = tuple


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
    path = Path(data.path)
    fractions = {"val_fraction": data.prepare.val_fraction, "test_fraction": data.prepare.test_fraction}
    if data.source == "folders":
        return _pairs_source(open_folders(path / "x", path / "y", data.masks, **fractions))
    if data.source == "unpaired_folders":
        return _pairs_source(open_matching(path))
    return _pairs_source(open_side_by_side(path, data.original_half, data.masks, **fractions))


def _synthetic_source(data: DataConfig, size: Size) -> Source:
    counts = {"train": data.synthetic.train, "val": data.synthetic.val, "test": data.synthetic.test}

    def read(split: str) -> Iterator[Example]:
        drawn = synthetic_examples(split, max(size), count=counts[split], seed=data.synthetic.seed)
        return _read_examples(drawn.as_numpy_iterator())

    def read_at(number: int) -> Example:
        scene = draw_scene(scene_seed("train", number, data.synthetic.seed), max(size))
        return Example(scene_path("train", number), np.dstack([scene.image, scene.person]), scene.box[None], True)

    def paths() -> list[str]:
        return [scene_path("train", number) for number in range(counts["train"])]

    return Source(counts, ORIGINAL_CHANNELS, read, read_at=read_at, paths=paths)


def _prepared_source(dataset: PreparedDataset) -> Source:
    def read(split: str) -> Iterator[Example]:
        return _read_examples(dataset.read(split))

    return Source(dataset.counts, ORIGINAL_CHANNELS, read, stream=RecordStream.of(dataset))


def _pairs_source(pairs: Pairs) -> Source:
    def read(split: str) -> Iterator[Example]:
        return map(_pair_example, pairs.read(split))

    def read_at(number: int) -> Example:
        return _pair_example(pairs.read_at("train", number))

    return Source(
        pairs.counts,
        PAIR_CHANNELS,
        read,
        read_at=read_at,
        paths=lambda: [printable(key) for key in pairs.keys["train"]],
    )


def _pair_example(pair: Pair) -> Example:
    return Example(printable(pair.path), np.dstack([pair.x, pair.y, pair.mask]), pair.box[None], has_person=False)


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
