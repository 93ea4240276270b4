"""Restores a picture, a video, or a folder of both.

Pictures are read, and their regions found, on other threads than the model's, which gets full batches: the regions of
several pictures together.
"""

from __future__ import annotations

import contextlib
import logging
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import numpy as np

from keras_deid.data.images import IMAGE_SUFFIXES, ImageError, find_images
from keras_deid.errors import UserError
from keras_deid.progress import Progress, silent
from keras_deid.restoring.found import Region
from keras_deid.restoring.manifest import Manifest, SourceState, settings_of, state
from keras_deid.restoring.model import PictureModel
from keras_deid.restoring.picture_files import (
    Opened,
    copy_picture,
    copy_without_words,
    open_picture,
    write_picture,
)
from keras_deid.restoring.region_sources import RegionSource
from keras_deid.restoring.repair import BATCH_SIZE, restore_crops, restore_regions
from keras_deid.restoring.video import restore_video
from keras_deid.restoring.video_files import find_videos, is_video
from keras_deid.restoring.whole import check_fits, fit_back, fit_into
from keras_deid.restoring.xmp import SYNTHETIC_PARTS, SYNTHETIC_WHOLE

log = logging.getLogger(__name__)

WORKERS = min(max((os.cpu_count() or 1) // 2, 2), 8)
"""Threads that read, and as many that write."""

_AHEAD = 16
"""Pictures that are read before the model asks for them, and as many that wait to be written."""
_PIXELS_HELD = 50_000_000
"""A batch is restored before it is full once its pictures have so many pixels in memory."""
_ENOUGH = 4
"""A picture that goes through the model as a whole is decoded no finer than so many times the model's size.

On photographs what the model then sees differs by half a level of 255 in the mean from what full decoding gives.
"""

_T = TypeVar("_T")
_R = TypeVar("_R")


@dataclass
class Report:
    """What became of the files.

    Attributes:
        restored: how many were restored.
        copied: how many had nothing to restore, and are there byte for byte.
        kept: how many were done before.
        broken: those that cannot be read or written, with the reason.
    """

    restored: int = 0
    copied: int = 0
    kept: int = 0
    broken: list[ImageError] = field(default_factory=list)

    @property
    def done(self) -> int:
        """How many files are done with."""
        return self.restored + self.copied + self.kept + len(self.broken)


@dataclass(frozen=True)
class _Job:
    name: str
    source: Path
    keep_words: bool


@dataclass(frozen=True)
class _Work:
    """A picture in memory, and its regions; None: the whole picture goes through the model."""

    job: _Job
    state: SourceState
    opened: Opened
    regions: list[Region] | None


def restore_folder(
    source: Path,
    out: Path,
    model: PictureModel,
    regions: RegionSource | None,
    *,
    keep_words: bool = True,
    progress: Progress = silent,
    video_progress: Progress = silent,
) -> Report:
    """Restores all pictures and videos of a folder and its sub-folders.

    A call that was interrupted continues where it stopped. Each output is whole or does not exist; a video that was
    not finished is begun again.

    Args:
        source: folder with pictures and videos.
        out: folder to write; outputs have the paths and formats of their sources, and `manifest.json` lists them.
        model: what restores.
        regions: what says which regions are restored; the other pixels stay as they are, and a picture without regions
            is copied byte for byte. None: the whole picture is the model's input.
        keep_words: false leaves out what the files say of people, places and times; what has no regions is then written
            anew instead of copied, with the same pixels as far as the format allows.
        progress: counts the files.
        video_progress: as `progress` of `restore_video`, for each video.

    Returns:
        What became of the files.

    Raises:
        UserError: if a folder or file is missing or does not fit, or `out` holds the work of another model.
    """
    if out.resolve() == source.resolve() or source.resolve() in out.resolve().parents:
        raise UserError(f"{out}: lies in the folder of pictures; choose a folder outside of {source}")
    sources = {path.relative_to(source).as_posix(): path for path in _find(source)}
    _check(regions, sources)
    report = Report()
    try:
        # Records are written as they come, so that a kill, too, leaves a journal to continue from.
        manifest = Manifest(out, settings_of(model.name, model.identity, regions, keep_words))
        jobs = [_Job(name, path, keep_words) for name, path in sources.items() if not manifest.is_done(name, path)]
        report.kept = len(sources) - len(jobs)
        progress(report.done, len(sources), "restoring")
        pictures = [job for job in jobs if not is_video(job.source)]
        for _ in _restore_pictures(pictures, out, model, regions, manifest, report):
            progress(report.done, len(sources), "restoring")
        for job in jobs:
            if is_video(job.source):
                _restore_video(job, out, model, regions, manifest, report, video_progress)
                progress(report.done, len(sources), "restoring")
        progress(len(sources), len(sources), "restoring")
        broken = {str(error.path) for error in report.broken}
        manifest.finish(name for name, path in sources.items() if str(path) not in broken)
    except OSError as error:
        reason = error.strerror or error
        raise UserError(f"{error.filename or out}: {reason}; make room or choose another folder") from error
    return report


def restore_file(
    source: Path,
    out: Path,
    model: PictureModel,
    regions: RegionSource | None,
    *,
    keep_words: bool = True,
    progress: Progress = silent,
) -> int | None:
    """Restores one picture or one video.

    Args:
        source: the file.
        out: file to write, in the format that its suffix names; is replaced if it exists.
        model: what restores.
        regions: as for `restore_folder`; in a CSV the path is the file's name.
        keep_words: as for `restore_folder`.
        progress: as for `restore_video`; is not called for a picture.

    Returns:
        The number of regions of a picture; None for a video, and where the whole picture is restored.

    Raises:
        UserError: if the file is missing or broken, or `out` cannot be written.
    """
    _check(regions, {source.name: source})
    if is_video(source):
        restore_video(source, out, model, regions, keep_words=keep_words, progress=progress)
        return None
    return _restore_picture(_Job(source.name, source, keep_words), out, model, regions)


def _restore_picture(job: _Job, out: Path, model: PictureModel, regions: RegionSource | None) -> int | None:
    if out.suffix.lower() not in IMAGE_SUFFIXES:
        raise UserError(f"{out}: unknown format; choose a name that ends in one of {' '.join(IMAGE_SUFFIXES)}")
    if out.resolve() == job.source.resolve():
        raise UserError(f"{out}: is the picture itself; choose another name")
    work = _read(job, model, regions)
    (restored,) = _answers([work], model)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        _write(out, work, restored)
    except OSError as error:
        raise UserError(f"{out}: {error.strerror or error}; make room or choose another place") from error
    return None if work.regions is None else len(work.regions)


def _find(folder: Path) -> list[Path]:
    videos = find_videos(folder)
    try:
        return [*find_images(folder), *videos]
    except UserError:
        if not videos:
            raise
        return videos


def _check(regions: RegionSource | None, sources: dict[str, Path]) -> None:
    if regions is not None:
        regions.check(sources, [name for name, path in sources.items() if is_video(path)])


def _restore_pictures(
    jobs: Sequence[_Job],
    out: Path,
    model: PictureModel,
    regions: RegionSource | None,
    manifest: Manifest,
    report: Report,
) -> Iterator[None]:
    """Restores pictures; yields after each."""

    def read(job: _Job) -> _Work | ImageError:
        try:
            return _read(job, model, regions)
        except ImageError as error:
            return error

    def write(answered: tuple[_Work, np.ndarray]) -> bool | ImageError:
        work, restored = answered
        path = out / work.job.name
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            notes = _write(path, work, restored)
        except ImageError as error:
            return ImageError(work.job.source, error.reason, error.mend)
        manifest.add(work.job.name, work.state, {**_details(work), **({"notes": notes} if notes else {})})
        return work.regions == []

    with _threads() as readers, _threads() as writers:
        opened = _map_ahead(readers, read, jobs)
        for written in _map_ahead(writers, write, _answered(opened, model, report.broken)):
            if isinstance(written, ImageError):
                report.broken.append(written)
                yield
                continue
            report.copied += written
            report.restored += not written
            yield


def _details(work: _Work) -> dict[str, object]:
    if work.regions is None:
        return {"regions": None}
    return {
        "regions": len(work.regions),
        "boxes": [[*region.box, round(region.score, 3)] for region in work.regions],
        "copied": not work.regions,
    }


def _restore_video(
    job: _Job,
    out: Path,
    model: PictureModel,
    regions: RegionSource | None,
    manifest: Manifest,
    report: Report,
    progress: Progress,
) -> None:
    path = out / job.name
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        before = _state(job.source)
        frames = restore_video(
            job.source, path, model, regions, name=job.name, keep_words=job.keep_words, progress=progress
        )
    except ImageError as error:
        report.broken.append(error)
        return
    manifest.add(job.name, before, {"frames": frames})
    report.restored += 1


def _read(job: _Job, model: PictureModel, regions: RegionSource | None) -> _Work:
    before = _state(job.source)
    if regions is not None:
        opened = open_picture(job.source)
        return _Work(job, before, opened, regions.regions(job.name, job.source, opened.pixels))
    opened = open_picture(job.source, _ENOUGH * max(model.size))
    check_fits(job.source, opened.size, model.size)
    return _Work(job, before, opened, None)


def _state(source: Path) -> SourceState:
    try:
        return state(source)
    except OSError as error:
        raise ImageError(source, f"cannot be read ({error.strerror})") from error


def _answered(
    opened: Iterable[_Work | ImageError], model: PictureModel, broken: list[ImageError]
) -> Iterator[tuple[_Work, np.ndarray]]:
    """Yields each picture, restored, restoring the regions of several pictures at a time."""
    for batch in _batches(opened, broken):
        yield from zip(batch, _answers(batch, model), strict=True)


def _answers(batch: Sequence[_Work], model: PictureModel) -> list[np.ndarray]:
    whole = [work for work in batch if work.regions is None]
    wholly = iter(restore_crops(model, [fit_into(work.opened.pixels, model.size) for work in whole]))
    parts = [work for work in batch if work.regions is not None]
    partly = iter(
        restore_regions(model, [work.opened.pixels for work in parts], [work.regions or [] for work in parts])
    )
    return [fit_back(next(wholly), work.opened.size) if work.regions is None else next(partly) for work in batch]


def _batches(opened: Iterable[_Work | ImageError], broken: list[ImageError]) -> Iterator[list[_Work]]:
    batch: list[_Work] = []
    for work in opened:
        if isinstance(work, ImageError):
            broken.append(work)
            continue
        batch.append(work)
        held = sum(one.opened.pixels.size // 3 for one in batch)
        parts = sum(1 if one.regions is None else len(one.regions) for one in batch)
        if parts >= BATCH_SIZE or len(batch) >= BATCH_SIZE or held >= _PIXELS_HELD:
            yield batch
            batch = []
    if batch:
        yield batch


def _write(path: Path, work: _Work, restored: np.ndarray) -> tuple[str, ...]:
    """Writes a picture; returns, and says, what could not stay as it was."""
    notes: tuple[str, ...] = ()
    keep_words = work.job.keep_words
    if work.regions == [] and path.suffix.lower() == work.job.source.suffix.lower():
        if keep_words or not work.opened.words:
            copy_picture(work.job.source, path)
        else:
            notes = copy_without_words(path, work.opened)
    elif work.regions is None:
        notes = write_picture(path, restored, work.opened, SYNTHETIC_WHOLE, keep_words=keep_words)
    else:
        source_type = SYNTHETIC_PARTS if work.regions else None
        notes = write_picture(path, restored, work.opened, source_type, keep_words=keep_words)
    if notes:
        log.warning("%s: %s", work.job.name, "; ".join(notes))
    return notes


@contextlib.contextmanager
def _threads() -> Iterator[ThreadPoolExecutor]:
    """Gives threads; when something is raised, what they have not begun stays undone."""
    pool = ThreadPoolExecutor(WORKERS)
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)


def _map_ahead(pool: ThreadPoolExecutor, function: Callable[[_T], _R], items: Iterable[_T]) -> Iterator[_R]:
    """Yields results in order, with few items begun before their turn: pictures in memory are large."""
    begun: deque[Future[_R]] = deque()
    for item in items:
        begun.append(pool.submit(function, item))
        if len(begun) > _AHEAD:
            yield begun.popleft().result()
    while begun:
        yield begun.popleft().result()
