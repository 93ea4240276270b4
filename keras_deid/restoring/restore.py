"""Restores a picture, a video, or a folder of both.

Pictures are read, and their regions found, on other threads than the model's, which gets full batches: the regions of
several pictures together.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from keras_deid.data.images import IMAGE_SUFFIXES, ImageError, find_images
from keras_deid.data.left_out import SKIPPED, find_left_out, write_skipped
from keras_deid.errors import UserError, cannot_write
from keras_deid.locking import locked_folder
from keras_deid.progress import Progress, silent
from keras_deid.restoring.manifest import Manifest, settings_of
from keras_deid.restoring.model import PictureModel
from keras_deid.restoring.outputs import check_apart, check_free, check_not_inputs, held_output, make_parents
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
from keras_deid.restoring.threads import map_ahead, threads
from keras_deid.restoring.video import restore_video
from keras_deid.restoring.video_files import find_videos, is_video
from keras_deid.restoring.video_writing import check_output

WORKERS = min(max((os.cpu_count() or 1) // 2, 2), 8)
"""Threads that read, and as many that write."""


@dataclass
class Report:
    """What became of the files.

    Attributes:
        restored: how many were restored.
        copied: how many had nothing to restore.
        kept: how many were done before.
        broken: those that cannot be read or written, with the reason.
        left_out: files of other kinds, and links that are not followed, with the reason.
    """

    restored: int = 0
    copied: int = 0
    kept: int = 0
    broken: list[ImageError] = field(default_factory=list)
    left_out: dict[str, str] = field(default_factory=dict)

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
    keep_words: bool = True,
    overwrite: bool = False,
    progress: Progress = silent,
    video_progress: Progress = silent,
) -> Report:
    """Restores all pictures and videos of a folder and its sub-folders.

    A call that was interrupted continues where it stopped. Each output is whole or does not exist; a video that was
    not finished is begun again.

    Args:
        source: folder with pictures and videos.
        out: folder to write; outputs have the paths and formats of their sources, and `manifest.json` lists them;
            `skipped.csv` lists the files without an output.
        model: what restores.
        regions: what says which regions are restored; the other pixels stay as they are, and a picture without regions
            is copied byte for byte. None: the whole picture is the model's input.
        keep_words: false leaves out what the files say of people, places and times; what has no regions is then written
            anew instead of copied, with the same pixels as far as the format allows.
        overwrite: replaces files in `out` that were not restored by the same model and regions.
        progress: counts the files.
        video_progress: as `progress` of `restore_video`, for each video.

    Returns:
        What became of the files.

    Raises:
        UserError: if a folder or file is missing or does not fit, `out` holds or lies in `source`, it holds files that
            this command did not write, another process writes there, or it is removed meanwhile.
    """
    check_apart(source, out)
    sources = {path.relative_to(source).as_posix(): path for path in _find(source)}
    check_not_inputs((out / name for name in sources), sources.values())
    _check(regions, sources)
    try:
        with locked_folder(
            out, f"{out}: is being restored to by another process; wait for it or choose another folder"
        ):
            manifest = Manifest(out, settings_of(model.name, model.identity, regions, keep_words), overwrite)
            jobs = [Job(name, path, keep_words) for name, path in sources.items() if not manifest.is_done(name, path)]
            if manifest.is_new and not overwrite:
                check_free(out / SKIPPED, "exists and was not written here; choose another folder")
            manifest.begin((job.name for job in jobs), overwrite)
            report = Report(kept=len(sources) - len(jobs), left_out=find_left_out(source, sources.values()))
            progress(report.done, len(sources), "restoring")
            for _ in _restore_jobs(jobs, out, model, regions, manifest, report, video_progress):
                progress(report.done, len(sources), "restoring")
            progress(len(sources), len(sources), "restoring")
            broken = {str(error.path): error.reason for error in report.broken}
            manifest.finish(name for name, path in sources.items() if str(path) not in broken)
            reasons = {name: broken[str(path)] for name, path in sources.items() if str(path) in broken}
            _write_skipped(out / SKIPPED, {**reasons, **report.left_out})
            return report
    except OSError as error:
        raise cannot_write(out, error) from error


def restore_file(
    source: Path,
    out: Path,
    model: PictureModel,
    regions: RegionSource | None,
    *,
    keep_words: bool = True,
    overwrite: bool = False,
    progress: Progress = silent,
) -> int | None:
    """Restores one picture or one video.

    Args:
        source: the file.
        out: file to write, in the format that its suffix names.
        model: what restores.
        regions: as for `restore_folder`; in a CSV the path is the file's name.
        keep_words: as for `restore_folder`.
        overwrite: replaces `out` if it exists.
        progress: as for `restore_video`; is not called for a picture.

    Returns:
        The number of regions of a picture; None for a video, and where the whole picture is restored.

    Raises:
        UserError: if the file is missing or broken, or `out` cannot be written, or exists.
    """
    _check(regions, {source.name: source})
    check_not_inputs([out], [source])
    try:
        if is_video(source):
            check_output(source, out)
            with held_output(out, overwrite):
                restore_video(source, out, model, regions, keep_words=keep_words, progress=progress)
            return None
        if out.suffix.lower() not in IMAGE_SUFFIXES:
            raise UserError(f"{out}: unknown format; choose a name that ends in one of {' '.join(IMAGE_SUFFIXES)}")
        with held_output(out, overwrite):
            work = read_work(Job(source.name, source, keep_words), model, regions)
            (restored,) = restore_batch([work], model)
            write_work(out, work, restored)
        return None if work.regions is None else len(work.regions)
    except OSError as error:
        raise cannot_write(out, error) from error


def _write_skipped(path: Path, skipped: dict[str, str]) -> None:
    if skipped:
        write_skipped(path, dict(sorted(skipped.items())))
    else:
        path.unlink(missing_ok=True)


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


def _restore_jobs(
    jobs: Sequence[Job],
    out: Path,
    model: PictureModel,
    regions: RegionSource | None,
    manifest: Manifest,
    report: Report,
    video_progress: Progress,
) -> Iterator[None]:
    """Restores pictures, then videos; yields after each."""
    yield from _restore_pictures(
        [job for job in jobs if not is_video(job.source)], out, model, regions, manifest, report
    )
    for job in jobs:
        if is_video(job.source):
            _restore_video(job, out, model, regions, manifest, report, video_progress)
            yield


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

    def write(answered: tuple[Work, np.ndarray]) -> bool | ImageError:
        work, restored = answered
        manifest.check_there()
        make_parents(out, work.job.name)
        try:
            notes = write_work(out / work.job.name, work, restored)
        except ImageError as error:
            return ImageError(work.job.source, error.reason, error.mend)
        manifest.add(work.job.name, work.state, details(work, notes))
        return work.regions == []

    with threads(WORKERS) as readers, threads(WORKERS) as writers:
        opened = map_ahead(readers, read, jobs)
        for written in map_ahead(writers, write, _answered(opened, model, report.broken)):
            if isinstance(written, ImageError):
                report.broken.append(written)
                yield
                continue
            report.copied += written
            report.restored += not written
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
    manifest.check_there()
    make_parents(out, job.name)
    try:
        before = source_state(job.source)
        restored = restore_video(
            job.source, out / job.name, model, regions, name=job.name, keep_words=job.keep_words, progress=progress
        )
    except ImageError as error:
        report.broken.append(error)
        return
    manifest.add(job.name, before, restored._asdict())
    report.copied += restored.copied
    report.restored += not restored.copied


def _answered(
    opened: Iterable[Work | ImageError], model: PictureModel, broken: list[ImageError]
) -> Iterator[tuple[Work, np.ndarray]]:
    """Yields each picture, restored, restoring the regions of several pictures at a time."""
    for batch in batches(opened, broken):
        yield from zip(batch, restore_batch(batch, model), strict=True)
