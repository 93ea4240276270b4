"""The step that restores the pictures and videos of one shard."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import apache_beam as beam
from apache_beam.utils.shared import Shared

from keras_deid.beam.counters import count
from keras_deid.beam.listing import REFUSED, ListedFile, ShardFiles
from keras_deid.beam.manifests import Line, hash_of_shard, read_manifest, write_manifest
from keras_deid.beam.places import Place, fetched
from keras_deid.beam.shards import Shard
from keras_deid.data.boxes_csv import FrameBox
from keras_deid.data.images import ImageError
from keras_deid.errors import UserError
from keras_deid.restoring.choice import Choice
from keras_deid.restoring.manifest import Settings, other_settings, settings_of
from keras_deid.restoring.model import PictureModel
from keras_deid.restoring.pictures import Job, Work, batches, details, read_work, restore_batch, write_work
from keras_deid.restoring.region_sources import Listed, RegionSource
from keras_deid.restoring.video import restore_video
from keras_deid.restoring.video_files import is_video


@dataclass(frozen=True)
class RestoreJob:
    """What is restored, and how.

    Attributes:
        source: folder of pictures and videos.
        out: folder to write.
        choice: names what restores and what finds.
        boxes: CSV of the regions, if they are given, with the SHA-256 of its content.
        whole: whether whole pictures go through the model.
        keep_words: see `Job`.
        before: settings of what `out` holds already, if it holds something.
    """

    source: Place
    out: Place
    choice: Choice
    boxes: tuple[str, str] | None
    whole: bool
    keep_words: bool
    before: Settings | None


@dataclass(frozen=True)
class RestoredShard:
    """What became of the files of a shard.

    Attributes:
        shard: which one.
        settings: what all outputs have in common.
        restored: number of files that were restored.
        copied: number of files that had nothing to restore.
        skipped: why files cannot be read or written, by name.
        complaints: what of the boxes could not be done.
    """

    shard: Shard
    settings: Settings
    restored: int
    copied: int
    skipped: dict[str, str]
    complaints: list[str]


class _Opened:
    """Model and locator, which the threads of a process share."""

    def __init__(self, job: RestoreJob) -> None:
        runtime = job.choice.open_runtime()
        self.model: PictureModel = job.choice.open_model(runtime)
        found = None if job.boxes or job.whole else job.choice.open_locator(self.model, runtime)
        self.located: RegionSource | None = found


class RestoreShard(beam.DoFn):
    """From `ShardFiles` to a `RestoredShard` and, as the output `REFUSED`, what is wrong with its boxes or the model.

    Args:
        job: what is done.
    """

    def __init__(self, job: RestoreJob) -> None:
        super().__init__()
        self._job = job
        self._shared = Shared()

    def process(self, shard: ShardFiles, refused: list[str]) -> Iterator[Any]:
        """Restores a shard, unless that is done already, or something is `refused`."""
        if refused:
            return
        try:
            yield self._restored(shard)
        except UserError as error:
            yield beam.pvalue.TaggedOutput(REFUSED, str(error))

    def _restored(self, shard: ShardFiles) -> RestoredShard:
        job = self._job
        opened: _Opened = self._shared.acquire(lambda: _Opened(job))
        regions = opened.located if job.boxes is None else self._listed(shard)
        settings = settings_of(opened.model.name, opened.model.identity, regions, job.keep_words)
        if job.before not in (None, settings):
            raise other_settings(job.out.url)
        inputs = hash_of_shard(settings, shard)
        lines = read_manifest(job.out, shard.shard, inputs)
        if lines is None:
            made = sorted(self._make(shard, opened.model, regions), key=lambda line: line["path"])
            complaints = [] if regions is None else regions.complaints
            lines = [{"inputs": inputs, "settings": settings, "synthetic": True, "complaints": complaints}, *made]
            write_manifest(job.out, shard.shard, lines)
        else:
            count("shards kept")
        skipped = {line["path"]: line["skipped"] for line in lines[1:] if "skipped" in line}
        copied = sum(line.get("copied", False) for line in lines[1:])
        restored = len(lines) - 1 - len(skipped) - copied
        return RestoredShard(shard.shard, settings, restored, copied, skipped, lines[0]["complaints"])

    def _listed(self, shard: ShardFiles) -> Listed:
        assert self._job.boxes is not None
        rows: dict[str, list[FrameBox]] = {}
        for row in shard.boxes:
            rows.setdefault(row.path, []).append(FrameBox(row.line, row.box, row.frame))
        listed = Listed(self._job.boxes[0], rows, self._job.boxes[1])
        names = [file.name for file in shard.files]
        listed.check({name: Path(name) for name in names}, [name for name in names if _is_video(name)])
        return listed

    def _make(self, shard: ShardFiles, model: PictureModel, regions: RegionSource | None) -> Iterator[Line]:
        yield from self._pictures([file for file in shard.files if not _is_video(file.name)], model, regions)
        for file in shard.files:
            if _is_video(file.name):
                yield self._video(file, model, regions)

    def _pictures(self, files: list[ListedFile], model: PictureModel, regions: RegionSource | None) -> Iterator[Line]:
        by_name = {file.name: file for file in files}
        skipped: list[Line] = []
        held = contextlib.ExitStack()  # the sources of a batch, until it is written

        def read(file: ListedFile) -> Work | ImageError:
            path = held.enter_context(fetched(self._job.source / file.name))
            try:
                return read_work(Job(file.name, path, self._job.keep_words), model, regions)
            except ImageError as error:
                skipped.append(_skipped(file.name, error))
                return error

        with held:
            for batch in batches(map(read, files), []):
                with self._job.out.delivery() as folder:
                    for work, restored in zip(batch, restore_batch(batch, model), strict=True):
                        name = work.job.name
                        path = _place_in(folder, name)
                        try:
                            notes = write_work(path, work, restored)
                        except ImageError as error:
                            yield _skipped(name, error)
                        else:
                            yield _done(path, by_name[name], details(work, notes))
                held.close()
        yield from skipped

    def _video(self, file: ListedFile, model: PictureModel, regions: RegionSource | None) -> Line:
        with fetched(self._job.source / file.name) as source, self._job.out.delivery() as folder:
            path = _place_in(folder, file.name)
            try:
                restored = restore_video(source, path, model, regions, name=file.name, keep_words=self._job.keep_words)
            except ImageError as error:
                return _skipped(file.name, error)
            return _done(path, file, restored._asdict())


def _is_video(name: str) -> bool:
    return is_video(Path(PurePosixPath(name)))


def _place_in(folder: Path, name: str) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def _done(path: Path, file: ListedFile, what: dict[str, Any]) -> Line:
    count("restored" if not what.get("copied") else "copied")
    with open(path, "rb") as written:
        digest = hashlib.file_digest(written, "sha256").hexdigest()
        size = written.tell()
    source = {"bytes": file.size, "modified": file.changed}
    return {"path": file.name, "source": source, "bytes": size, "sha256": digest, **what}


def _skipped(name: str, error: ImageError) -> Line:
    count("skipped")
    return {"path": name, "skipped": error.reason}
