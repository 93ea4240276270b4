"""Restores pictures and videos on a runner of Apache Beam.

Files come together in shards by a hash of their names. Each shard is restored by one worker, with the code of the local
command: its pictures are written first, its manifest after them. `manifest.json` is written last of all.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from functools import partial
from pathlib import PurePosixPath
from typing import NamedTuple

import apache_beam as beam
from apache_beam.io.filesystems import FileSystems

from keras_deid.beam.listing import REFUSED, Gather
from keras_deid.beam.manifests import FOLDER, manifest_name
from keras_deid.beam.outcome import forget_refusal, raise_refusal
from keras_deid.beam.places import Place
from keras_deid.beam.publish import Publish
from keras_deid.beam.restore_shard import RestoredShard, RestoreJob, RestoreShard
from keras_deid.beam.running import pipeline_options, run
from keras_deid.beam.watching import watching
from keras_deid.data.images import IMAGE_SUFFIXES, is_picture
from keras_deid.data.left_out import SKIPPED, write_skipped
from keras_deid.errors import UserError
from keras_deid.progress import Progress, silent
from keras_deid.restoring.choice import Choice
from keras_deid.restoring.manifest import MANIFEST, SCHEMA, Settings
from keras_deid.restoring.video_files import VIDEO_SUFFIXES

_BEGUN = f"{FOLDER}/begun"
"""File that says that outputs of this command may be there, of which no manifest tells yet."""


class Done(NamedTuple):
    """What became of the files.

    Attributes:
        restored: how many were restored.
        copied: how many had nothing to restore.
        skipped: how many cannot be read or written.
        complaints: what of the boxes could not be done.
    """

    restored: int
    copied: int
    skipped: int
    complaints: list[str]


def restore_on_beam(
    source: str,
    out: str,
    choice: Choice,
    *,
    runner: str,
    options: Sequence[str] = (),
    boxes: str | None = None,
    whole: bool = False,
    keep_words: bool = True,
    overwrite: bool = False,
    progress: Progress = silent,
) -> Done:
    """Restores a folder of pictures and videos, as `keras_deid.restoring.restore.restore_folder` does.

    Run again, it restores only the shards that are missing, or whose sources have changed.

    Args:
        source: folder, on any file system that Beam knows; its sub-folders count.
        out: folder to write, likewise.
        choice: names what restores and what finds; workers find runs and models under the same names.
        runner: name of Beam's runner.
        options: for Beam, as on a command line.
        boxes: CSV file with the regions, which replaces finding.
        whole: gives the model whole pictures.
        keep_words: as for `restore_folder`.
        overwrite: replaces files in `out` that were not restored by the same model and regions.
        progress: counts the shards.

    Returns:
        what became of the files.

    Raises:
        UserError: as the local function.
    """
    read_options = pipeline_options(runner, options)
    folder, target = Place.named(source), Place.named(out)
    if folder.holds(target):
        raise UserError(f"{target}: lies in the folder of pictures; choose a folder outside of {folder}")
    if target.holds(folder):
        raise UserError(f"{target}: holds the folder of pictures {folder}; choose another folder")
    listed = _with_sha256(boxes)
    before = _settings_before(target, overwrite)
    job = RestoreJob(folder, target, choice, listed, whole, keep_words, before)
    if before is None:
        target.write(_BEGUN, b"")
    forget_refusal(target)
    with watching(target, "restoring", progress):
        run(lambda pipeline: build(pipeline, job), read_options)
    raise_refusal(target)
    written = json.loads(target.read(MANIFEST))
    return Done(**{key: written[key] for key in Done._fields})


def build(pipeline: beam.Pipeline, job: RestoreJob) -> None:
    """Adds the steps of restoring to a pipeline."""
    boxes = job.boxes and job.boxes[0]
    shards, bad_rows = pipeline | "Gather" >> Gather(job.source, _counts, boxes, with_frames=True)
    restore = beam.ParDo(RestoreShard(job), beam.pvalue.AsList(bad_rows))
    restored, bad = shards | "Restore" >> restore.with_outputs(REFUSED, main="restored")
    refused = (bad_rows, bad) | "All that is wrong" >> beam.Flatten()
    _ = (
        pipeline
        | "Once" >> beam.Create([None])
        | "Publish"
        >> beam.ParDo(
            Publish(job.out, partial(_publish, job)), beam.pvalue.AsIter(restored), beam.pvalue.AsIter(refused)
        )
    )


def _publish(job: RestoreJob, shards: list[RestoredShard]) -> None:
    if not any(shard.restored + shard.copied + len(shard.skipped) for shard in shards):
        kinds = " ".join(IMAGE_SUFFIXES + VIDEO_SUFFIXES)
        raise UserError(f"{job.source}: no such folder, or no picture in it; looked for {kinds}")
    if any(shard.settings != shards[0].settings for shard in shards):
        raise UserError(f"{job.out}: the workers have different models; give all of them the same container")
    skipped = {name: reason for shard in shards for name, reason in shard.skipped.items()}
    wanted = [manifest_name(shard.shard) for shard in shards]
    for name in [job.out.name_of(file.path) for file in job.out.files(FOLDER)]:
        if name not in wanted:
            job.out.delete(name)
    with job.out.delivery() as folder:
        write_skipped(folder / SKIPPED, dict(sorted(skipped.items())))
    content = {
        "schema": SCHEMA,
        "settings": shards[0].settings,
        "synthetic": True,
        "manifest": wanted,
        "restored": sum(shard.restored for shard in shards),
        "copied": sum(shard.copied for shard in shards),
        "skipped": len(skipped),
        "complaints": [complaint for shard in shards for complaint in shard.complaints],
    }
    job.out.clear_partial()
    job.out.write(MANIFEST, (json.dumps(content, indent=2) + "\n").encode())
    job.out.clear_partial()


def _counts(name: str) -> bool:
    path = PurePosixPath(name)
    is_hidden = any(part.startswith(".") for part in path.parts)
    return is_picture(path) or path.suffix.lower() in VIDEO_SUFFIXES and not is_hidden


def _with_sha256(boxes: str | None) -> tuple[str, str] | None:
    if boxes is None:
        return None
    url = Place.named(boxes).url
    if not FileSystems.exists(url):
        raise UserError(f"{boxes}: does not exist; give --boxes a CSV file")
    digest = hashlib.sha256()
    with FileSystems.open(url) as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return url, digest.hexdigest()


def _settings_before(out: Place, overwrite: bool) -> Settings | None:
    """Returns the settings of what is in the folder already; with `overwrite` it does not matter.

    Raises:
        UserError: if something is there that this command has not written.
    """
    if overwrite:
        return None
    begun = False
    for file in out.files(FOLDER):
        begun = True
        name = out.name_of(file.path)
        if name != _BEGUN:
            try:
                settings: Settings | None = json.loads(out.read(name).splitlines()[0]).get("settings")
            except (ValueError, IndexError, AttributeError, RecursionError) as error:
                raise UserError(f"{out}: {name} is not a manifest; delete it, or choose another folder") from error
            return settings
    if not begun and next(out.files(), None) is not None:
        raise UserError(f"{out}: holds files that were not restored here; choose another folder, or give --overwrite")
    return None
