"""The way of one picture: read, restored together with others, written."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from keras_deid.data.images import ImageError, image_size
from keras_deid.restoring.crop_batches import BATCH_SIZE, restore_crops
from keras_deid.restoring.found import Region
from keras_deid.restoring.manifest import SourceState, state
from keras_deid.restoring.model import PictureModel
from keras_deid.restoring.picture_files import Opened, copy_picture, copy_without_words, open_picture, write_picture
from keras_deid.restoring.region_sources import RegionSource
from keras_deid.restoring.repair import restore_regions
from keras_deid.restoring.whole import check_fits, fit_back, fit_into
from keras_deid.restoring.xmp import SYNTHETIC_PARTS, SYNTHETIC_WHOLE

log = logging.getLogger(__name__)

_PIXELS_HELD = 50_000_000
"""A batch is restored before it is full once its pictures have so many pixels in memory."""


@dataclass(frozen=True)
class Job:
    """A picture or video to restore.

    Attributes:
        name: path inside the folder of pictures, with `/`.
        source: the file.
        keep_words: whether the output says what its source says of people, places and times.
    """

    name: str
    source: Path
    keep_words: bool


@dataclass(frozen=True)
class Work:
    """A picture in memory.

    Attributes:
        job: what it was read from.
        state: of the file, from before it was read.
        opened: its pixels, and what else has to be kept.
        regions: what is restored; None: the whole picture goes through the model.
    """

    job: Job
    state: SourceState
    opened: Opened
    regions: list[Region] | None


def read_work(job: Job, model: PictureModel, regions: RegionSource | None) -> Work:
    """Reads a picture and finds its regions.

    Raises:
        ImageError: if it cannot be read, or a region cannot be restored.
    """
    before = source_state(job.source)
    if regions is None:
        check_fits(job.source, image_size(job.source), model.size)
        return Work(job, before, open_picture(job.source), None)
    opened = open_picture(job.source)
    return Work(job, before, opened, regions.regions(job.name, job.source, opened.pixels))


def source_state(source: Path) -> SourceState:
    """Stands for the content of a file; raises `ImageError` if it cannot be read."""
    try:
        return state(source)
    except OSError as error:
        raise ImageError(source, f"cannot be read ({error.strerror})") from error


def batches(opened: Iterable[Work | ImageError], broken: list[ImageError]) -> Iterator[list[Work]]:
    """Gathers pictures to restore together, until the model has enough to do or they take too much memory.

    Args:
        opened: pictures, or why one cannot be read.
        broken: gets the latter.
    """
    batch: list[Work] = []
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


def restore_batch(batch: Sequence[Work], model: PictureModel) -> list[np.ndarray]:
    """Returns the pictures, restored: uint8 `(height, width, 3)` each."""
    whole = [work for work in batch if work.regions is None]
    wholly = restore_crops(model, [fit_into(work.opened.pixels, model.size) for work in whole])
    parts = [work for work in batch if work.regions is not None]
    partly = iter(
        restore_regions(model, [work.opened.pixels for work in parts], [work.regions or [] for work in parts])
    )
    return [
        fit_back(next(wholly), work.opened.pixels.shape[:2]) if work.regions is None else next(partly) for work in batch
    ]


def write_work(path: Path, work: Work, restored: np.ndarray) -> tuple[str, ...]:
    """Writes a picture, whole or not at all; returns, and says, what could not stay as it was.

    One without regions is copied byte for byte, if its words are kept.

    Raises:
        ImageError: if it cannot be written.
    """
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


def details(work: Work, notes: tuple[str, ...]) -> dict[str, object]:
    """Returns what a manifest says of a picture besides its file; `notes` are those of `write_work`."""
    said: dict[str, object] = {"notes": notes} if notes else {}
    if work.regions is None:
        return {"regions": None, **said}
    return {
        "regions": len(work.regions),
        "boxes": [[*region.box, round(region.score, 3)] for region in work.regions],
        "copied": not work.regions,
        **said,
    }
