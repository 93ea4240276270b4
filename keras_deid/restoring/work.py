"""A picture on its way through the model: read with its regions, and written."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from keras_deid.data.images import ImageError
from keras_deid.restoring.found import Region
from keras_deid.restoring.manifest import SourceState, state
from keras_deid.restoring.model import PictureModel
from keras_deid.restoring.picture_files import (
    Opened,
    copy_picture,
    copy_without_words,
    open_picture,
    write_picture,
)
from keras_deid.restoring.region_sources import RegionSource
from keras_deid.restoring.whole import check_fits
from keras_deid.restoring.xmp import SYNTHETIC_PARTS, SYNTHETIC_WHOLE

log = logging.getLogger(__name__)

_ENOUGH = 4
"""A picture that goes through the model as a whole is decoded no finer than so many times the model's size.

On photographs what the model then sees differs by half a level of 255 in the mean from what full decoding gives.
"""


@dataclass(frozen=True)
class Job:
    """A file to restore, by its name in the folder."""

    name: str
    source: Path
    keep_words: bool


@dataclass(frozen=True)
class Work:
    """A picture in memory, and its regions; None: the whole picture goes through the model."""

    job: Job
    state: SourceState
    opened: Opened
    regions: list[Region] | None


def read_work(job: Job, model: PictureModel, regions: RegionSource | None) -> Work:
    """Reads a picture and finds its regions.

    Raises:
        ImageError: if it cannot be read, or does not fit the model.
    """
    before = state_of(job.source)
    if regions is not None:
        opened = open_picture(job.source)
        return Work(job, before, opened, regions.regions(job.name, job.source, opened.pixels))
    opened = open_picture(job.source, _ENOUGH * max(model.size))
    check_fits(job.source, opened.size, model.size)
    return Work(job, before, opened, None)


def write_work(path: Path, work: Work, restored: np.ndarray) -> tuple[str, ...]:
    """Writes a picture; returns, and says, what could not stay as it was.

    Raises:
        ImageError: if the format of `path` does not hold it.
        OSError: if the file cannot be written.
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
    """Returns what the manifest says of a picture."""
    said: dict[str, object] = {"notes": notes} if notes else {}
    if work.regions is None:
        return {"regions": None, **said}
    return {
        "regions": len(work.regions),
        "boxes": [[*region.box, round(region.score, 3)] for region in work.regions],
        "copied": not work.regions,
        **said,
    }


def state_of(source: Path) -> SourceState:
    """Stands for the content of a source.

    Raises:
        ImageError: if it is not there.
    """
    try:
        return state(source)
    except OSError as error:
        raise ImageError(source, f"cannot be read ({error.strerror})") from error
