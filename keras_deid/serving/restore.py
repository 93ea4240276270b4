"""Restores a picture or a folder of pictures.

Files are read and written on other threads than the model's, which gets full batches: the parts of several pictures
together.
"""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import numpy as np

from keras_deid.data.boxes import Box, ListedBox, read_boxes_csv
from keras_deid.data.images import IMAGE_SUFFIXES, ImageError, find_images
from keras_deid.errors import UserError
from keras_deid.serving.manifest import Manifest, Row, settings_of, state
from keras_deid.serving.model import Restorer
from keras_deid.serving.picture_files import SYNTHETIC_PARTS, SYNTHETIC_WHOLE, Opened, open_picture, write_picture
from keras_deid.serving.regions import Part, cut_out, part_around, put_back, whole_picture

BATCH_SIZE = 16
WORKERS = 2
"""Threads that read, and as many that write."""

_T = TypeVar("_T")
_R = TypeVar("_R")


@dataclass
class Report:
    """What became of the pictures.

    Attributes:
        restored: how many were restored.
        kept: how many were restored before.
        broken: those that cannot be read, with the reason.
    """

    restored: int = 0
    kept: int = 0
    broken: list[ImageError] = field(default_factory=list)


@dataclass(frozen=True)
class _Job:
    name: str
    source: Path
    boxes: tuple[ListedBox, ...] | None


@dataclass(frozen=True)
class _Work:
    """A picture in memory, and what of it the model has to restore."""

    job: _Job
    state: Row
    opened: Opened
    parts: tuple[Part, ...]
    inputs: tuple[np.ndarray, ...]


def restore_folder(
    source: Path,
    out: Path,
    model: Restorer,
    *,
    boxes: Path | None = None,
    progress: Callable[[int, int], object] = lambda done, total: None,
) -> Report:
    """Restores all pictures of a folder and its sub-folders.

    A call that was interrupted continues where it stopped. Each output is whole or does not exist.

    Args:
        source: folder with pictures.
        out: folder to write; outputs have the paths and formats of their sources, and `manifest.json` lists them.
        model: what restores.
        boxes: CSV file with the regions to restore, see `read_boxes_csv`; the other pixels stay as they are. Without
            it the whole picture is the model's input.
        progress: is called with the number of pictures that are done, and of all of them.

    Returns:
        What became of the pictures.

    Raises:
        UserError: if a folder or file is missing or does not fit, or `out` holds the work of another model.
    """
    if out.resolve() == source.resolve() or source.resolve() in out.resolve().parents:
        raise UserError(f"{out}: lies in the folder of pictures; choose a folder outside of {source}")
    sources = {path.relative_to(source).as_posix(): path for path in find_images(source)}
    return _restore(sources, out, model, boxes, progress)


def restore_picture(source: Path, out: Path, model: Restorer, *, boxes: Path | None = None) -> None:
    """Restores one picture.

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
    job = _Job(source.name, source, _boxes_of({source.name: source}, boxes)(source.name))
    work = _read(job, model)
    restored = _run(model, work.inputs)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        _write(out, work, restored)
    except OSError as error:
        raise UserError(f"{out}: {error.strerror or error}; make room or choose another place") from error


def _restore(
    sources: dict[str, Path],
    out: Path,
    model: Restorer,
    boxes: Path | None,
    progress: Callable[[int, int], object],
) -> Report:
    boxes_of = _boxes_of(sources, boxes)
    report = Report()
    try:
        # Rows are written as they come, so that a kill, too, leaves a journal to continue from.
        manifest = Manifest(out, settings_of(model.name, model.identity, boxes))
        jobs = [_Job(name, path, boxes_of(name)) for name, path in sources.items() if not manifest.is_done(name, path)]
        report.kept = len(sources) - len(jobs)
        progress(report.kept, len(sources))

        def read(job: _Job) -> _Work | ImageError:
            try:
                return _read(job, model)
            except ImageError as error:
                return error

        def write(work: _Work, restored: Sequence[np.ndarray]) -> None:
            path = out / work.job.name
            path.parent.mkdir(parents=True, exist_ok=True)
            _write(path, work, restored)
            manifest.add(work.job.name, work.state, {"regions": _count(work)})

        with ThreadPoolExecutor(WORKERS) as readers, ThreadPoolExecutor(WORKERS) as writers:
            opened = _map_ahead(readers, read, jobs, BATCH_SIZE + WORKERS)
            written = _written(writers, write, _batches(opened, model, report.broken))
            for _ in written:
                report.restored += 1
                progress(report.kept + report.restored + len(report.broken), len(sources))
        progress(len(sources), len(sources))
        broken = {str(error.path) for error in report.broken}
        manifest.finish(name for name, path in sources.items() if str(path) not in broken)
    except OSError as error:
        reason = error.strerror or error
        raise UserError(f"{error.filename or out}: {reason}; make room or choose another folder") from error
    return report


def _boxes_of(sources: dict[str, Path], boxes: Path | None) -> Callable[[str], tuple[ListedBox, ...] | None]:
    if boxes is None:
        return lambda name: None
    listed = read_boxes_csv(boxes)
    for name, found in listed.items():
        if name not in sources:
            raise UserError(f"{boxes}:{found[0].line}: there is no picture {name}; give paths relative to the folder")
    return lambda name: tuple(listed.get(name, ()))


def _read(job: _Job, model: Restorer) -> _Work:
    before = _state(job.source)
    opened = open_picture(job.source)
    size = opened.pixels.shape[:2]
    if job.boxes is None:
        parts: tuple[Part, ...] = (whole_picture(size, model.size),)
    else:
        parts = tuple(_part(job, listed.box, model, size) for listed in job.boxes)
    return _Work(job, before, opened, parts, tuple(cut_out(opened.pixels, part, model.size) for part in parts))


def _state(source: Path) -> Row:
    try:
        return state(source)
    except OSError as error:
        raise ImageError(source, f"cannot be read ({error.strerror})") from error


def _part(job: _Job, box: Box, model: Restorer, size: tuple[int, int]) -> Part:
    try:
        return part_around(box, model.context, size, model.size)
    except ValueError as error:
        height, width = size
        corners = ",".join(f"{edge:g}" for edge in box)
        raise ImageError(job.source, f"the box {corners} lies outside of its {width} x {height} pixels") from error


def _batches(
    opened: Iterable[_Work | ImageError], model: Restorer, broken: list[ImageError]
) -> Iterator[tuple[_Work, list[np.ndarray]]]:
    """Yields each picture with the model's answers, restoring the parts of several pictures at a time."""
    waiting: list[_Work] = []
    for work in opened:
        if isinstance(work, ImageError):
            broken.append(work)
            continue
        waiting.append(work)
        if sum(len(one.inputs) for one in waiting) >= BATCH_SIZE or len(waiting) >= BATCH_SIZE:
            yield from _answered(waiting, model)
            waiting = []
    yield from _answered(waiting, model)


def _answered(works: list[_Work], model: Restorer) -> Iterator[tuple[_Work, list[np.ndarray]]]:
    answers = iter(_run(model, [picture for work in works for picture in work.inputs]))
    for work in works:
        yield work, list(itertools.islice(answers, len(work.inputs)))


def _run(model: Restorer, inputs: Sequence[np.ndarray]) -> list[np.ndarray]:
    answers: list[np.ndarray] = []
    for start in range(0, len(inputs), BATCH_SIZE):
        answers.extend(model.restore(np.stack(inputs[start : start + BATCH_SIZE])))
    return answers


def _write(path: Path, work: _Work, restored: Sequence[np.ndarray]) -> None:
    source_type = SYNTHETIC_WHOLE if work.job.boxes is None else SYNTHETIC_PARTS
    write_picture(path, put_back(work.opened.pixels, work.parts, restored), work.opened, source_type)


def _count(work: _Work) -> int | None:
    return None if work.job.boxes is None else len(work.parts)


def _map_ahead(pool: ThreadPoolExecutor, function: Callable[[_T], _R], items: Iterable[_T], ahead: int) -> Iterator[_R]:
    """Yields results in order, with at most `ahead` items begun before their turn: pictures in memory are large."""
    begun: deque[Future[_R]] = deque()
    for item in items:
        begun.append(pool.submit(function, item))
        if len(begun) > ahead:
            yield begun.popleft().result()
    while begun:
        yield begun.popleft().result()


def _written(
    pool: ThreadPoolExecutor,
    write: Callable[[_Work, Sequence[np.ndarray]], None],
    answered: Iterable[tuple[_Work, list[np.ndarray]]],
) -> Iterator[None]:
    return _map_ahead(pool, lambda pair: write(*pair), answered, BATCH_SIZE)
