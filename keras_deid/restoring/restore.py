"""Restores a picture, a video, or a folder of both.

Pictures are read, and their regions found, on other threads than the model's, which gets full batches: the regions of
several pictures together.
"""

from __future__ import annotations

import contextlib
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
from keras_deid.restoring.manifest import Manifest, settings_of
from keras_deid.restoring.model import PictureModel
from keras_deid.restoring.pictures import (
    Job,
    Work,
    batches,
    details,
    read_work,
    restore_batch,
    source_state,
    write_work,
)
from keras_deid.restoring.region_sources import RegionSource
from keras_deid.restoring.video import restore_video
from keras_deid.restoring.video_files import find_videos, is_video

WORKERS = min(max((os.cpu_count() or 1) // 2, 2), 8)
"""Threads that read, and as many that write."""

_AHEAD = 16
"""Pictures that are read before the model asks for them, and as many that wait to be written."""
_T = TypeVar("_T")
_R = TypeVar("_R")


@dataclass
class Report:
    """What became of the files.

    Attributes:
        restored: how many were restored.
        copied: how many had nothing to restore, and are there byte for byte.
        kept: how many were done before.
        broken: those that cannot be read, with the reason.
    """

    restored: int = 0
    copied: int = 0
    kept: int = 0
    broken: list[ImageError] = field(default_factory=list)

    @property
    def done(self) -> int:
        """How many files are done with."""
        return self.restored + self.copied + self.kept + len(self.broken)


def restore_folder(
    source: Path,
    out: Path,
    model: PictureModel,
    regions: RegionSource | None,
    *,
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
        manifest = Manifest(out, settings_of(model.name, model.identity, regions))
        jobs = [Job(name, path) for name, path in sources.items() if not manifest.is_done(name, path)]
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
    source: Path, out: Path, model: PictureModel, regions: RegionSource | None, *, progress: Progress = silent
) -> int | None:
    """Restores one picture or one video.

    Args:
        source: the file.
        out: file to write, in the format that its suffix names; is replaced if it exists.
        model: what restores.
        regions: as for `restore_folder`; in a CSV the path is the file's name.
        progress: as for `restore_video`; is not called for a picture.

    Returns:
        The number of regions of a picture; None for a video, and where the whole picture is restored.

    Raises:
        UserError: if the file is missing or broken, or `out` cannot be written.
    """
    _check(regions, {source.name: source})
    if is_video(source):
        restore_video(source, out, model, regions, progress=progress)
        return None
    return _restore_picture(source, out, model, regions)


def _restore_picture(source: Path, out: Path, model: PictureModel, regions: RegionSource | None) -> int | None:
    if out.suffix.lower() not in IMAGE_SUFFIXES:
        raise UserError(f"{out}: unknown format; choose a name that ends in one of {' '.join(IMAGE_SUFFIXES)}")
    if out.resolve() == source.resolve():
        raise UserError(f"{out}: is the picture itself; choose another name")
    work = read_work(Job(source.name, source), model, regions)
    (restored,) = restore_batch([work], model)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        write_work(out, work, restored)
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
    jobs: Sequence[Job],
    out: Path,
    model: PictureModel,
    regions: RegionSource | None,
    manifest: Manifest,
    report: Report,
) -> Iterator[None]:
    """Restores pictures; yields after each."""

    def read(job: Job) -> Work | ImageError:
        try:
            return read_work(job, model, regions)
        except ImageError as error:
            return error

    def write(answered: tuple[Work, np.ndarray]) -> bool:
        work, restored = answered
        path = out / work.job.name
        path.parent.mkdir(parents=True, exist_ok=True)
        write_work(path, work, restored)
        manifest.add(work.job.name, work.state, details(work))
        return work.regions == []

    with _threads() as readers, _threads() as writers:
        opened = _map_ahead(readers, read, jobs)
        for copied in _map_ahead(writers, write, _answered(opened, model, report.broken)):
            report.copied += copied
            report.restored += not copied
            yield


def _restore_video(
    job: Job,
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
        before = source_state(job.source)
        frames = restore_video(job.source, path, model, regions, name=job.name, progress=progress)
    except ImageError as error:
        report.broken.append(error)
        return
    manifest.add(job.name, before, {"frames": frames})
    report.restored += 1


def _answered(
    opened: Iterable[Work | ImageError], model: PictureModel, broken: list[ImageError]
) -> Iterator[tuple[Work, np.ndarray]]:
    """Yields each picture, restored, restoring the regions of several pictures at a time."""
    for batch in batches(opened, broken):
        yield from zip(batch, restore_batch(batch, model), strict=True)


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
