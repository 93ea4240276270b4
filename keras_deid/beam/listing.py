"""The first steps of every pipeline: files are listed, boxes read, and all of them gathered by shard."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

import apache_beam as beam
from apache_beam.io.filesystem import CompressionTypes
from apache_beam.io.filesystems import FileSystems

from keras_deid.beam.places import Place
from keras_deid.beam.shards import Shard, shard_count, shard_of
from keras_deid.data.boxes_csv import NamedBox, stream_boxes
from keras_deid.errors import UserError

REFUSED = "refused"
"""Output of a step with what is wrong about the user's files: lines of text."""


class ListedFile(NamedTuple):
    """A file of a folder.

    Attributes:
        raw_name: its path inside the folder, with `/`, as bytes: names need not be text.
        size: in bytes.
        changed: when, in seconds since 1970.
    """

    raw_name: bytes
    size: int
    changed: float

    @property
    def name(self) -> str:
        """Its path inside the folder."""
        return os.fsdecode(self.raw_name)


class ShardFiles(NamedTuple):
    """What belongs to a shard, in order of the names.

    Attributes:
        shard: which one.
        files: the photographs, perhaps videos.
        masks: files of the folder of masks.
        boxes: rows of the CSV, in its order.
    """

    shard: Shard
    files: list[ListedFile]
    masks: list[ListedFile]
    boxes: list[NamedBox]


class Gather(beam.PTransform):
    """From nothing to (`ShardFiles`, and what is wrong with the boxes).

    Args:
        folder: where the files are.
        wanted: tells by the path inside the folder whether a file counts.
        boxes: CSV of boxes, if there is one.
        masks: folder of masks, if there is one.
        with_frames: whether the boxes may have frames, see `stream_boxes`.
    """

    def __init__(
        self,
        folder: Place,
        wanted: Callable[[str], bool],
        boxes: str | None = None,
        masks: Place | None = None,
        with_frames: bool = False,
    ) -> None:
        super().__init__()
        self._folder, self._wanted, self._boxes, self._masks = folder, wanted, boxes, masks
        self._with_frames = with_frames

    def expand(self, begin: beam.pvalue.PBegin) -> tuple[beam.PCollection, beam.PCollection]:
        """Builds the steps."""
        files = begin | "List" >> _listed(self._folder, self._wanted)
        masks = begin | "List masks" >> _listed(self._masks, self._wanted)
        rows, refused = (
            begin
            | "Name of boxes" >> beam.Create([self._boxes] if self._boxes else [])
            | "Read boxes" >> beam.ParDo(_ReadBoxes(self._with_frames)).with_outputs(REFUSED, main="rows")
        )
        count = beam.pvalue.AsSingleton(files | "Count" >> beam.combiners.Count.Globally())
        keyed = {
            "files": files | "Shard of a file" >> beam.Map(_with_shard, count),
            "masks": masks | "Shard of a mask" >> beam.Map(_with_shard, count),
            "boxes": rows | "Shard of a box" >> beam.Map(_with_shard, count),
        }
        gathered = keyed | "By shard" >> beam.CoGroupByKey() | "In order" >> beam.Map(_in_order, count)
        return gathered, refused


def _listed(folder: Place | None, wanted: Callable[[str], bool]) -> beam.PTransform:
    found = beam.FlatMap(_files_of, wanted)
    # Reshuffled: the worker that lists is not to do all the rest.
    return beam.Create([] if folder is None else [folder.url]) | found | beam.Reshuffle()


def _files_of(url: str, wanted: Callable[[str], bool]) -> Iterator[tuple[bytes, int, float]]:
    folder = Place(url)
    for file in folder.files():
        name = folder.name_of(file.path)
        if wanted(name):
            yield os.fsencode(name), file.size_in_bytes, float(file.last_updated_in_seconds)


class _ReadBoxes(beam.DoFn):
    """Reads a CSV of boxes as a stream."""

    def __init__(self, with_frames: bool) -> None:
        super().__init__()
        self._with_frames = with_frames

    def process(self, url: str) -> Iterator[Any]:
        try:
            with FileSystems.open(url, "text/plain", CompressionTypes.UNCOMPRESSED) as file:
                text = io.TextIOWrapper(file, encoding="utf-8-sig", errors="surrogateescape", newline="")
                for row in stream_boxes(url, text, self._with_frames):
                    yield os.fsencode(row.path), row.line, *row.box, row.frame
        except UserError as error:
            yield beam.pvalue.TaggedOutput(REFUSED, str(error))


def _with_shard(element: tuple[Any, ...], files: int) -> tuple[int, tuple[Any, ...]]:
    return shard_of(os.fsdecode(element[0]), shard_count(files)).number, element


def _in_order(keyed: tuple[int, dict[str, Iterable[Any]]], files: int) -> ShardFiles:
    number, found = keyed
    rows = sorted(found["boxes"], key=lambda row: row[1])
    return ShardFiles(
        Shard(number, shard_count(files)),
        [ListedFile(*file) for file in sorted(found["files"])],
        [ListedFile(*file) for file in sorted(found["masks"])],
        [NamedBox(os.fsdecode(name), line, (x0, y0, x1, y1), frame) for name, line, x0, y0, x1, y1, frame in rows],
    )
