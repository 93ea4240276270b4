"""Restores a picture, a video, or a folder of both.

Pictures are read and written on other threads than the model's, which gets full batches: the parts of several pictures
together.
"""

from __future__ import annotations

import contextlib
import itertools
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import numpy as np

from keras_deid.data.boxes_csv import FrameBox, read_frame_boxes_csv
from keras_deid.data.images import IMAGE_SUFFIXES, ImageError, find_images
from keras_deid.errors import UserError
from keras_deid.progress import Progress, silent
from keras_deid.restoring.manifest import Manifest, SourceState, settings_of, state
from keras_deid.restoring.model import PictureModel
from keras_deid.restoring.parts import BATCH_SIZE, listed_part, restore_parts
from keras_deid.restoring.picture_files import SYNTHETIC_PARTS, SYNTHETIC_WHOLE, Opened, open_picture, write_picture
from keras_deid.restoring.regions import Part, cut_out, put_back, whole_picture
from keras_deid.restoring.video import find_videos, is_video, restore_video

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

Boxes = tuple[FrameBox, ...]


@dataclass
class Report:
    """What became of the files.

    Attributes:
        restored: how many were restored.
        kept: how many were restored before.
        broken: those that cannot be read, with the reason.
    """

    restored: int = 0
    kept: int = 0
    broken: list[ImageError] = field(default_factory=list)

    @property
    def done(self) -> int:
        """How many files are done with."""
        return self.restored + self.kept + len(self.broken)


@dataclass(frozen=True)
class _Job:
    name: str
    source: Path
    boxes: Boxes | None


@dataclass(frozen=True)
class _Work:
    """A picture in memory, and what of it the model has to restore."""

    job: _Job
    state: SourceState
    opened: Opened
    parts: tuple[Part, ...]
    inputs: tuple[np.ndarray, ...]


def restore_folder(
    source: Path,
    out: Path,
    model: PictureModel,
    *,
    boxes: Path | None = None,
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
        boxes: CSV file with the regions to restore, see `read_frame_boxes_csv`; the other pixels stay as they are.
            Without it the whole picture is the model's input.
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
    boxes_of = _boxes_of(sources, boxes)
    report = Report()
    try:
        # Records are written as they come, so that a kill, too, leaves a journal to continue from.
        manifest = Manifest(out, settings_of(model.name, model.identity, boxes))
        jobs = [_Job(name, path, boxes_of(name)) for name, path in sources.items() if not manifest.is_done(name, path)]
        report.kept = len(sources) - len(jobs)
        progress(report.done, len(sources), "restoring")
        for _ in _restore_pictures([job for job in jobs if not is_video(job.source)], out, model, manifest, report):
            progress(report.done, len(sources), "restoring")
        for job in jobs:
            if is_video(job.source):
                _restore_video(job, out, model, manifest, report, video_progress)
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
    *,
    boxes: Path | None = None,
    progress: Progress = silent,
) -> None:
    """Restores one picture or one video.

    Args:
        source: the file.
        out: file to write, in the format that its suffix names; is replaced if it exists.
        model: what restores.
        boxes: as for `restore_folder`; the path in it is the file's name.
        progress: as for `restore_video`; is not called for a picture.

    Raises:
        UserError: if the file is missing or broken, or `out` cannot be written.
    """
    if is_video(source):
        listed = _boxes_of({source.name: source}, boxes)(source.name)
        restore_video(source, out, model, boxes=listed, progress=progress)
    else:
        restore_picture(source, out, model, boxes=boxes)


def restore_picture(source: Path, out: Path, model: PictureModel, *, boxes: Path | None = None) -> None:
    """Restores one picture; see `restore_file`.

    Args:
        source: the picture.
        out: file to write, in the format that its suffix names; is replaced if it exists.
        model: what restores.
        boxes: as for `restore_folder`; the path in it is the picture's file name.

    Raises:
        UserError: if the picture is missing or broken, or `out` cannot be written.
    """
    if out.suffix.lower() not in IMAGE_SUFFIXES:
        raise UserError(f"{out}: unknown format; choose a name that ends in one of {' '.join(IMAGE_SUFFIXES)}")
    if out.resolve() == source.resolve():
        raise UserError(f"{out}: is the picture itself; choose another name")
    work = _read(_Job(source.name, source, _boxes_of({source.name: source}, boxes)(source.name)), model)
    restored = restore_parts(model, work.inputs)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        _write(out, work, restored)
    except OSError as error:
        raise UserError(f"{out}: {error.strerror or error}; make room or choose another place") from error


def _find(folder: Path) -> list[Path]:
    videos = find_videos(folder)
    try:
        return [*find_images(folder), *videos]
    except UserError:
        if not videos:
            raise
        return videos


def _boxes_of(sources: dict[str, Path], boxes: Path | None) -> Callable[[str], Boxes | None]:
    if boxes is None:
        return lambda name: None
    listed = read_frame_boxes_csv(boxes)
    for name, found in listed.items():
        if name not in sources:
            raise UserError(f"{boxes}:{found[0].line}: there is no file {name}; give paths relative to the folder")
        for row in found:
            if row.frame is not None and not is_video(sources[name]):
                raise UserError(f"{boxes}:{row.line}: {name} is a picture and has no frames; leave the frame out")
    return lambda name: tuple(listed.get(name, ()))


def _restore_pictures(
    jobs: Sequence[_Job], out: Path, model: PictureModel, manifest: Manifest, report: Report
) -> Iterator[None]:
    """Restores pictures; yields after each."""

    def read(job: _Job) -> _Work | ImageError:
        try:
            return _read(job, model)
        except ImageError as error:
            return error

    def write(answered: tuple[_Work, list[np.ndarray]]) -> None:
        work, restored = answered
        path = out / work.job.name
        path.parent.mkdir(parents=True, exist_ok=True)
        _write(path, work, restored)
        manifest.add(work.job.name, work.state, {"regions": None if work.job.boxes is None else len(work.parts)})

    with _threads() as readers, _threads() as writers:
        opened = _map_ahead(readers, read, jobs)
        for _ in _map_ahead(writers, write, _answered(opened, model, report.broken)):
            report.restored += 1
            yield


def _restore_video(
    job: _Job, out: Path, model: PictureModel, manifest: Manifest, report: Report, progress: Progress
) -> None:
    path = out / job.name
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        before = _state(job.source)
        frames = restore_video(job.source, path, model, boxes=job.boxes, progress=progress)
    except ImageError as error:
        report.broken.append(error)
        return
    manifest.add(job.name, before, {"regions": None if job.boxes is None else len(job.boxes), "frames": frames})
    report.restored += 1


def _read(job: _Job, model: PictureModel) -> _Work:
    before = _state(job.source)
    if job.boxes is None:
        opened = open_picture(job.source, _ENOUGH * max(model.size))
        parts: tuple[Part, ...] = (whole_picture(opened.size, model.size),)
        # Also of a picture that was decoded smaller: what is cut out then reaches beyond it, and is all of it.
    else:
        opened = open_picture(job.source)
        parts = tuple(listed_part(job.source, row.box, opened.size, model) for row in job.boxes)
    return _Work(job, before, opened, parts, tuple(cut_out(opened.pixels, part, model.size) for part in parts))


def _state(source: Path) -> SourceState:
    try:
        return state(source)
    except OSError as error:
        raise ImageError(source, f"cannot be read ({error.strerror})") from error


def _answered(
    opened: Iterable[_Work | ImageError], model: PictureModel, broken: list[ImageError]
) -> Iterator[tuple[_Work, list[np.ndarray]]]:
    """Yields each picture with the model's answers, restoring the parts of several pictures at a time."""
    for batch in _batches(opened, broken):
        answers = iter(restore_parts(model, [picture for work in batch for picture in work.inputs]))
        for work in batch:
            yield work, list(itertools.islice(answers, len(work.inputs)))


def _batches(opened: Iterable[_Work | ImageError], broken: list[ImageError]) -> Iterator[list[_Work]]:
    batch: list[_Work] = []
    for work in opened:
        if isinstance(work, ImageError):
            broken.append(work)
            continue
        batch.append(work)
        held = sum(one.opened.pixels.size // 3 for one in batch)
        if sum(len(one.inputs) for one in batch) >= BATCH_SIZE or len(batch) >= BATCH_SIZE or held >= _PIXELS_HELD:
            yield batch
            batch = []
    yield batch


def _write(path: Path, work: _Work, restored: Sequence[np.ndarray]) -> None:
    if work.job.boxes is None:
        below, source_type = np.empty((*work.opened.size, 3), np.uint8), SYNTHETIC_WHOLE
    else:
        below, source_type = work.opened.pixels, SYNTHETIC_PARTS
    write_picture(path, put_back(below, work.parts, restored), work.opened, source_type)


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
