"""The step that prepares the photographs of one shard."""

from __future__ import annotations

import contextlib
import itertools
import logging
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import apache_beam as beam
import cv2

from keras_deid.beam.counters import count
from keras_deid.beam.listing import REFUSED, ShardFiles
from keras_deid.beam.manifests import Line, hash_of_shard, read_manifest, write_manifest
from keras_deid.beam.places import Place, fetched
from keras_deid.beam.shards import Shard
from keras_deid.config import PrepareConfig
from keras_deid.data.boxes_csv import ListedBox, no_such_file
from keras_deid.data.names import Names
from keras_deid.data.split import path_key
from keras_deid.errors import UserError
from keras_deid.preparation.contact_sheet import shown
from keras_deid.preparation.examples import NoExample
from keras_deid.preparation.photographs import Photograph, boxes_inside
from keras_deid.preparation.prepare import prepared_otherwise, versions
from keras_deid.preparation.stored import ExampleMaker, encode_record, record_hash

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class PrepareJob:
    """What is prepared, and how.

    Attributes:
        photos: folder of the photographs.
        out: folder of the data set.
        settings: of the preparation.
        boxes: CSV with the faces, if they are given.
        masks: folder of person masks, if there is one.
        complete: whether `out` holds a finished data set, of which nothing may change.
    """

    photos: Place
    out: Place
    settings: PrepareConfig
    boxes: str | None
    masks: Place | None
    complete: bool


@dataclass(frozen=True)
class PreparedShard:
    """What became of the photographs of a shard.

    Attributes:
        shard: which one.
        inputs: `hash_of_shard`.
        lines: of its manifest: `path` and `skipped`, or `path`, `split`, `examples` (their hashes) and `with_person`.
        sizes: bytes of the file of each split that has examples.
        masks: number of photographs with a mask.
        samples: of each split some records for the contact sheet.
    """

    shard: Shard
    inputs: str
    lines: list[Line]
    sizes: dict[str, int]
    masks: int
    samples: dict[str, list[bytes]]


def records_name(split: str, shard: Shard) -> str:
    """Returns the name of the file with the examples of a split and shard."""
    return f"{split}-{shard}.tfrecord"


class PrepareShard(beam.DoFn):
    """From `ShardFiles` to a `PreparedShard` and, as the output `REFUSED`, what is wrong with its boxes.

    Args:
        job: what is done.
    """

    def __init__(self, job: PrepareJob) -> None:
        super().__init__()
        self._job = job

    def setup(self) -> None:
        """Makes what photographs share."""
        cv2.setNumThreads(1)  # as in local workers: the pixels must not depend on it
        self._maker = ExampleMaker(self._job.settings, detects=self._job.boxes is None)
        self._versions = versions()

    def process(self, shard: ShardFiles, refused: list[str]) -> Iterator[Any]:
        """Prepares a shard, unless that is done already, or something is `refused`."""
        if refused:
            return
        job = self._job
        inputs = hash_of_shard([job.settings.model_dump(), bool(job.boxes), bool(job.masks)], shard)
        try:
            lines = read_manifest(job.out, shard.shard, inputs)
            if lines is None and job.complete:
                raise prepared_otherwise(job.out.url)
            if lines is None or not job.complete and lines[0]["versions"] != self._versions:
                lines = self._make(shard, inputs)
                write_manifest(job.out, shard.shard, lines)
            else:
                count("shards kept")
        except UserError as error:
            yield beam.pvalue.TaggedOutput(REFUSED, str(error))
            return
        head, *photographs = lines
        samples = {split: _sample(job.out, split, shard.shard) for split in head["sizes"]}
        yield PreparedShard(shard.shard, inputs, photographs, head["sizes"], head["masks"], samples)

    def _make(self, shard: ShardFiles, inputs: str) -> list[Line]:
        import tensorflow as tf

        names = [file.name for file in shard.files]
        masks = {path_key(file.name): file.name for file in shard.masks}
        boxes: dict[str, list[ListedBox]] = {name: [] for name in names}
        find = Names(names).find
        for row in shard.boxes:
            name = find(row.path)
            if name is None:
                raise no_such_file(str(self._job.boxes), row.line, row.path, "photograph")
            boxes[name].append(ListedBox(row.line, row.box))

        with self._job.out.delivery() as folder:
            with contextlib.ExitStack() as open_files:
                writers: dict[str, tf.io.TFRecordWriter] = {}

                def write(split: str, record: bytes) -> None:
                    if split not in writers:
                        path = str(folder / records_name(split, shard.shard))
                        writers[split] = open_files.enter_context(tf.io.TFRecordWriter(path))
                    writers[split].write(record)

                lines = [self._photograph(name, masks.get(path_key(name)), boxes[name], write) for name in names]
            sizes = {split: (folder / records_name(split, shard.shard)).stat().st_size for split in writers}
        masked = sum(path_key(name) in masks for name in names)
        return [{"inputs": inputs, "versions": self._versions, "sizes": sizes, "masks": masked}, *lines]

    def _photograph(self, name: str, mask: str | None, boxes: list[ListedBox], write: Any) -> Line:
        job = self._job
        count("photographs")
        with contextlib.ExitStack() as held:
            path = held.enter_context(fetched(job.photos / name))
            mask_path: Path | None = None
            if mask is not None and job.masks is not None:
                mask_path = held.enter_context(fetched(job.masks / mask))
            listed = None
            if job.boxes is not None:
                inside, complaints = boxes_inside(job.boxes, name, boxes, path)
                listed = tuple(box.box for box in inside)
                for complaint in complaints:
                    count("boxes outside")
                    log.warning("skipped: %s", complaint)
            try:
                examples = self._maker.make(Photograph(name, path, mask_path, listed))
            except NoExample as reason:
                count("skipped")
                return {"path": name, "skipped": str(reason)}
        count("examples", len(examples))
        hashes = []
        for example in examples:
            record = encode_record(example)
            write(example.split, record)
            hashes.append(record_hash(example.split, record).hex())
        with_person = sum(bool(example.person) for example in examples)
        return {"path": name, "split": examples[0].split, "examples": hashes, "with_person": with_person}


def _sample(out: Place, split: str, shard: Shard) -> list[bytes]:
    """Returns the first records of a shard, as many as it has to give for the contact sheet."""
    import tensorflow as tf

    wanted = shares(shown(split), shard.total)[shard.number]
    if not wanted:
        return []
    with fetched(out / records_name(split, shard)) as path:
        return list(itertools.islice(tf.data.TFRecordDataset(str(path)).as_numpy_iterator(), wanted))


def shares(total: int, parts: int) -> list[int]:
    """Divides a number into parts, as even as can be.

    Example:
        >>> shares(2, 5), shares(7, 3)
        ([1, 0, 1, 0, 0], [3, 2, 2])
    """
    taken = Counter(number * parts // total for number in range(total))
    return [taken[part] for part in range(parts)]
