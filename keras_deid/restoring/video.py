"""Restores a video: its regions are found, tracked, restored and put back; its times, sound and size stay.

Frames are read, and their regions found, on another thread than the restorer's; the encoder has threads of its own.
"""

from __future__ import annotations

import contextlib
import shutil
from collections import deque
from collections.abc import Generator, Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from av.video.frame import VideoFrame

from keras_deid.atomic import whole_file
from keras_deid.data.images import ImageError
from keras_deid.errors import UserError, cannot_write
from keras_deid.progress import Progress, silent
from keras_deid.restoring.ahead import ahead
from keras_deid.restoring.crop_batches import restore_crops
from keras_deid.restoring.found import Region
from keras_deid.restoring.model import PictureModel
from keras_deid.restoring.region_sources import RegionSource
from keras_deid.restoring.repair import restore_regions
from keras_deid.restoring.sightings import EVERY, Sighting, sight
from keras_deid.restoring.steady import Steady
from keras_deid.restoring.tracking import TrackedRegion, Tracker
from keras_deid.restoring.video_colours import (
    display_matrix,
    read_rgb,
    turn_of,
    turned,
    turned_back,
    unchanged,
    with_pixels,
)
from keras_deid.restoring.video_reading import VideoReader
from keras_deid.restoring.video_writing import VideoWriter, check_output
from keras_deid.restoring.whole import check_fits, fit_back, fit_into
from keras_deid.restoring.xmp import SYNTHETIC_PARTS, SYNTHETIC_WHOLE

BATCH_SIZE = 16
"""Most frames that are restored at a time."""
_PIXELS_HELD = 30_000_000
"""A batch is smaller where its frames would have more pixels."""
_BATCHES_AHEAD = 2
"""Batches that are read before the restorer asks for them."""


class RestoredVideo(NamedTuple):
    """What became of a video.

    Attributes:
        frames: how many pictures it has.
        copied: whether there was nothing to restore.
    """

    frames: int
    copied: bool


def restore_video(
    source: Path,
    out: Path,
    model: PictureModel,
    regions: RegionSource | None,
    *,
    name: str | None = None,
    keep_words: bool = True,
    progress: Progress = silent,
) -> RestoredVideo:
    """Restores a video.

    The output is H.264 (WebM: VP9), whole or not there, and its description says that it is synthetic (MP4 and MOV:
    `comment`, Matroska: `COMMENT`). Each frame keeps its timestamp; sound, subtitles, chapters and titles are copied;
    rotation, aspect and colour tags stay. A video without regions is copied byte for byte; into another container it is
    encoded anew, without the description. Matroska begins at 0: if the sound of an MP4 begins earlier, all tracks move.

    Args:
        source: video that ffmpeg reads, 8 bits a channel.
        out: file to write, its suffix one of `CONTAINERS`; is replaced if it exists.
        model: what restores.
        regions: what says which regions are restored, in upright pictures. Those that it finds by itself are tracked,
            those of a file are taken as they are. None: the whole of each picture is the model's input.
        name: of the video in `regions`; by default its file name.
        keep_words: false leaves out titles, places, times and chapters; a video without regions is then encoded anew.
        progress: counts the pictures of the video; their total is a close estimate.

    Raises:
        ImageError: if the video cannot be read or is broken, or a region does not fit its pictures.
        UserError: if `out` cannot be written.
    """
    check_output(source, out)
    suffix = out.suffix.lower()
    with VideoReader(source) as reader:
        turn = turn_of(display_matrix(reader.first))
        restorer = _Restorer(source, model, turn, regions, name or source.name)
        try:
            with whole_file(out) as partial:
                source_type = SYNTHETIC_WHOLE if regions is None else SYNTHETIC_PARTS
                done = 0
                with VideoWriter(partial, suffix, reader, source_type, keep_words) as writer:
                    frames = restorer.restored(reader.frames(writer.copy), writer.pixel_format)
                    with contextlib.closing(frames):  # ends its thread before the files are closed
                        for frame in frames:
                            writer.write(frame)
                            done += 1
                            progress(done, max(reader.total, done), source.name)
                if not restorer.anything:
                    _write_unchanged(source, partial, suffix, keep_words)
        except OSError as error:
            raise cannot_write(out, error) from error
    return RestoredVideo(done, copied=not restorer.anything)


def _write_unchanged(source: Path, path: Path, suffix: str, keep_words: bool) -> None:
    """Copies a video in which nothing was restored, into another container if need be; it is not synthetic."""
    if suffix == source.suffix.lower() and keep_words:
        shutil.copyfile(source, path)
        return
    with VideoReader(source) as reader, VideoWriter(path, suffix, reader, None, keep_words) as writer:
        for frame in reader.frames(writer.copy):
            writer.write(unchanged(frame, writer.pixel_format))


class _Found(NamedTuple):
    """A frame whose regions are final; None: the whole picture goes through the model."""

    frame: VideoFrame
    regions: list[TrackedRegion] | None


class _Restorer:
    """Restores frames.

    Attributes:
        anything: whether there was anything to restore.
    """

    def __init__(
        self, source: Path, model: PictureModel, turn: tuple[bool, bool, bool], regions: RegionSource | None, name: str
    ) -> None:
        self._source, self._model, self._turn = source, model, turn
        self._regions, self._name = regions, name
        self._steady = Steady()
        self.anything = False

    def restored(self, frames: Iterable[VideoFrame], pixel_format: str) -> Generator[VideoFrame]:
        """Yields the frames, restored; they are read on another thread."""
        with contextlib.closing(ahead(_batches(self._found(frames)), _BATCHES_AHEAD)) as batches:
            for batch in batches:
                yield from self._restored(batch, pixel_format)

    def _restored(self, batch: Sequence[_Found], pixel_format: str) -> Iterator[VideoFrame]:
        pictures = [self._upright(found.frame) if found.regions != [] else None for found in batch]
        answers = self._answers(batch, pictures)
        for found, picture, answer in zip(batch, pictures, answers, strict=True):
            if picture is None or answer is None:
                yield unchanged(found.frame, pixel_format)
                continue
            self.anything = True
            red, green, blue = np.moveaxis(picture != answer, 2, 0)
            changed = turned_back(red | green | blue, self._turn)
            yield with_pixels(found.frame, turned_back(answer, self._turn), changed, pixel_format)

    def _found(self, frames: Iterable[VideoFrame]) -> Iterator[_Found]:
        """Yields the frames with their regions, as many frames late as tracking needs to look ahead."""
        source = self._regions
        if source is None:
            yield from (_Found(frame, None) for frame in frames)
            return
        tracker = Tracker() if source.estimated else Tracker(gap=0, least=1, radius=0)
        waiting: deque[VideoFrame] = deque()

        def find(pixels: np.ndarray, number: int) -> list[Region]:
            return source.regions(self._name, self._source, pixels, number)

        upright = ((frame, self._upright(frame)) for frame in frames)
        sightings: Iterator[Sighting[VideoFrame]] = sight(upright, find, EVERY if source.estimated else 1)
        for sighting in sightings:
            waiting.append(sighting.frame)
            for regions in tracker.push(sighting.regions, cut=sighting.cut):
                yield _Found(waiting.popleft(), regions)
        for regions in tracker.finish():
            yield _Found(waiting.popleft(), regions)

    def _upright(self, frame: VideoFrame) -> np.ndarray:
        return turned(read_rgb(frame), self._turn)

    def _answers(self, batch: Sequence[_Found], pictures: Sequence[np.ndarray | None]) -> list[np.ndarray | None]:
        if self._regions is None:
            return list(self._answers_whole([picture for picture in pictures if picture is not None]))
        todo = [
            (picture, found.regions or [])
            for picture, found in zip(pictures, batch, strict=True)
            if picture is not None
        ]
        tracks = [tracked.track for _, regions in todo for tracked in regions]
        regions = [[tracked.region for tracked in regions] for _, regions in todo]
        pictures_todo = [picture for picture, _ in todo]
        answers = iter(restore_regions(self._model, pictures_todo, regions, self._steady, tracks))
        self._steady.keep({tracked.track for tracked in batch[-1].regions or []})
        return [next(answers) if picture is not None else None for picture in pictures]

    def _answers_whole(self, pictures: Sequence[np.ndarray]) -> Iterator[np.ndarray]:
        size = pictures[0].shape[:2]
        try:
            check_fits(self._source, size, self._model.size)
        except UserError as error:
            raise ImageError(self._source, str(error).partition(": ")[2]) from error
        for answer in restore_crops(self._model, [fit_into(picture, self._model.size) for picture in pictures]):
            yield fit_back(answer, size)


def _batches(items: Iterable[_Found]) -> Iterator[list[_Found]]:
    batch: list[_Found] = []
    for item in items:
        batch.append(item)
        most = min(BATCH_SIZE, max(_PIXELS_HELD // (item.frame.width * item.frame.height), 1))
        if len(batch) >= most:
            yield batch
            batch = []
    if batch:
        yield batch
