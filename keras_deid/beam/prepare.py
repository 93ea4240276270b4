"""Turns photographs into a prepared data set on a runner of Apache Beam.

Photographs come together in shards by a hash of their names. Each shard is prepared by one worker, with the code of the
local command: its records are written first, its manifest after them. `dataset.json` is written last of all, and only
then the data set is complete. A preparation that is run again makes only the shards that are missing.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import PurePosixPath
from typing import Any

import apache_beam as beam

from keras_deid.beam.listing import REFUSED, Gather
from keras_deid.beam.outcome import REFUSAL, forget_refusal, raise_refusal
from keras_deid.beam.places import PARTIAL, Place
from keras_deid.beam.prepare_shard import PrepareJob, PrepareShard
from keras_deid.beam.publish import Publish
from keras_deid.beam.publish_prepared import is_of_a_shard, publish_prepared
from keras_deid.beam.running import pipeline_options, run
from keras_deid.beam.watching import watching
from keras_deid.config import PrepareConfig
from keras_deid.data.images import is_picture
from keras_deid.data.left_out import SKIPPED
from keras_deid.data.prepared import CONTACT_SHEET, DESCRIPTION, PreparedDataset, parse_description
from keras_deid.errors import UserError
from keras_deid.preparation.prepare import prepared_otherwise
from keras_deid.progress import Progress, silent


def prepare_on_beam(
    photos: str,
    out: str,
    *,
    runner: str,
    options: Sequence[str] = (),
    boxes: str | None = None,
    masks: str | None = None,
    overwrite: bool = False,
    progress: Progress = silent,
    **settings: Any,
) -> PreparedDataset:
    """Prepares a folder of photographs, as `keras_deid.preparation.prepare.prepare` does, with the same pixels.

    Args:
        photos: folder, on any file system that Beam knows; its sub-folders count.
        out: folder to write, likewise.
        runner: name of Beam's runner.
        options: for Beam, as on a command line.
        boxes: CSV file with the faces, which replaces detection.
        masks: folder with person masks.
        overwrite: replaces the data set that is in `out`.
        progress: counts the shards.
        settings: of `PrepareConfig`.

    Returns:
        The data set. If `out` holds it already, from the same photographs and settings, nothing changes.

    Raises:
        UserError: as the local function.
    """
    checked = PrepareConfig.checked(**settings)
    read_options = pipeline_options(runner, options)
    source, target = Place.named(photos), Place.named(out)
    mask_folder = Place.named(masks) if masks else None
    for folder in (target, mask_folder):
        if folder is not None and source.holds(folder):
            raise UserError(f"{folder}: lies in the folder of photographs; choose a folder outside of {source}")
    box_file = Place.named(boxes).url if boxes else None
    if box_file is not None and not beam.io.filesystems.FileSystems.exists(box_file):
        raise UserError(f"{boxes}: does not exist; give --boxes a CSV file")
    complete = _is_complete(target, checked, overwrite)
    job = PrepareJob(source, target, checked, box_file, mask_folder, complete)
    forget_refusal(target)
    with watching(target, "preparing", progress):
        run(lambda pipeline: build(pipeline, job), read_options)
    raise_refusal(target)
    return PreparedDataset(target.url, _description(target))


def build(pipeline: beam.Pipeline, job: PrepareJob) -> None:
    """Adds the steps of a preparation to a pipeline."""
    shards, bad_rows = pipeline | "Gather" >> Gather(job.photos, _counts, job.boxes, job.masks)
    prepared, bad_boxes = shards | "Prepare" >> beam.ParDo(
        PrepareShard(job), beam.pvalue.AsList(bad_rows)
    ).with_outputs(REFUSED, main="prepared")
    refused = (bad_rows, bad_boxes) | "All that is wrong" >> beam.Flatten()
    _ = (
        pipeline
        | "Once" >> beam.Create([None])
        | "Publish"
        >> beam.ParDo(
            Publish(job.out, partial(publish_prepared, job)), beam.pvalue.AsIter(prepared), beam.pvalue.AsIter(refused)
        )
    )


def _counts(name: str) -> bool:
    return is_picture(PurePosixPath(name))


def _is_complete(out: Place, settings: PrepareConfig, overwrite: bool) -> bool:
    """Whether there is a data set with these settings; with `overwrite`, what makes it one is taken away.

    Raises:
        UserError: if there is something else.
    """
    if not out.exists(DESCRIPTION):
        for file in out.files():
            if not _is_ours(out.name_of(file.path)):
                raise UserError(f"{out}: is not a prepared data set; choose another folder")
        return False
    description = _description(out)
    if overwrite:
        out.delete(DESCRIPTION)
        return False
    if description["settings"] != settings.model_dump() or "manifest" not in description:
        raise prepared_otherwise(out.url)
    return True


def _is_ours(name: str) -> bool:
    return is_of_a_shard(name) or name in (SKIPPED, CONTACT_SHEET, REFUSAL) or name.startswith(f"{PARTIAL}/")


def _description(out: Place) -> dict[str, Any]:
    return parse_description(out.url, out.read(DESCRIPTION).decode())
