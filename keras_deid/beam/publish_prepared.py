"""The last step of a preparation: from what became of the shards to `dataset.json`."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import numpy as np

from keras_deid.beam.manifests import FOLDER, manifest_name
from keras_deid.beam.prepare_shard import PreparedShard, PrepareJob, records_name
from keras_deid.data.images import IMAGE_SUFFIXES, write_png
from keras_deid.data.left_out import SKIPPED, write_skipped
from keras_deid.data.prepared import CONTACT_SHEET, DESCRIPTION, SCHEMA, decode_record
from keras_deid.data.split import SPLITS
from keras_deid.errors import UserError
from keras_deid.preparation.contact_sheet import draw_examples, shown
from keras_deid.preparation.photographs import no_mask
from keras_deid.preparation.prepare import kinds_of_reasons, none_gives_an_example, versions
from keras_deid.preparation.stored import fingerprint


def publish_prepared(job: PrepareJob, shards: list[PreparedShard]) -> None:
    """Writes the tables and `dataset.json`.

    Raises:
        UserError: if there is nothing to publish.
    """
    lines = [line for shard in shards for line in shard.lines]
    if not lines:
        raise UserError(f"{job.photos}: no such folder, or no picture in it; looked for {' '.join(IMAGE_SUFFIXES)}")
    if job.masks is not None and not any(shard.masks for shard in shards):
        raise no_mask(str(job.masks), min(line["path"] for line in lines))
    skipped = dict(sorted((line["path"], line["skipped"]) for line in lines if "skipped" in line))
    if len(skipped) == len(lines):
        raise none_gives_an_example(skipped)
    if job.complete:
        return
    splits = {split: _split(split, shards) for split in SPLITS}
    inputs = "".join(shard.inputs for shard in shards)
    description = {
        "schema": SCHEMA,
        "settings": job.settings.model_dump(),
        "photos": len(lines),
        "skipped": dict(sorted(kinds_of_reasons(skipped).items())),
        "inputs": hashlib.blake2b(inputs.encode(), digest_size=16).hexdigest(),
        "versions": versions(),
        "manifest": [manifest_name(shard.shard) for shard in shards],
        "splits": splits,
        "fingerprint": fingerprint(bytes.fromhex(code) for line in lines for code in line.get("examples", ())),
    }
    _clear_other_shards(job, description)
    with job.out.delivery() as folder:
        write_skipped(folder / SKIPPED, skipped)
        write_png(folder / CONTACT_SHEET, _contact_sheet(shards, splits))
    job.out.clear_partial()
    job.out.write(DESCRIPTION, (json.dumps(description, indent=2) + "\n").encode())
    job.out.clear_partial()


def _split(split: str, shards: list[PreparedShard]) -> dict[str, Any]:
    files = []
    photos = examples = with_person = 0
    for shard in shards:
        lines = [line for line in shard.lines if line.get("split") == split]
        if lines:
            count = sum(len(line["examples"]) for line in lines)
            name = records_name(split, shard.shard)
            files.append({"file": name, "examples": count, "bytes": shard.sizes[split]})
            photos, examples = photos + len(lines), examples + count
            with_person += sum(line["with_person"] for line in lines)
    return {"photos": photos, "examples": examples, "with_person": with_person, "shards": files}


def _clear_other_shards(job: PrepareJob, description: dict[str, Any]) -> None:
    """Deletes the files of an earlier preparation with other shards."""
    shards = [shard["file"] for split in SPLITS for shard in description["splits"][split]["shards"]]
    wanted = {*description["manifest"], *shards}
    for name in [job.out.name_of(file.path) for file in job.out.files()]:
        if is_of_a_shard(name) and name not in wanted:
            job.out.delete(name)


def is_of_a_shard(name: str) -> bool:
    """Whether a file of the data set's folder belongs to a shard."""
    return name.startswith(f"{FOLDER}/") or name.endswith(".tfrecord") and name.partition("-")[0] in SPLITS


def _contact_sheet(shards: list[PreparedShard], splits: dict[str, Any]) -> np.ndarray:
    examples = {}
    for split in SPLITS:
        records = [record for shard in shards for record in shard.samples.get(split, ())]
        decoded = [decode_record(record) for record in records[: shown(split)]]
        examples[split] = [{key: value.numpy() for key, value in example.items()} for example in decoded]
    return draw_examples(examples, {split: splits[split]["examples"] for split in SPLITS})
