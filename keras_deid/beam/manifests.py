"""The manifest of a shard: JSON lines, written when all other files of the shard are in place.

The first line says what the shard was made from, and has a checksum of everything; a line for each photograph follows.
A shard whose manifest is there as it was written, made from the same, is not made again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Any

from keras_deid.beam.listing import ShardFiles
from keras_deid.beam.places import Place
from keras_deid.beam.shards import Shard

Line = dict[str, Any]

FOLDER = "manifest"
"""Where the manifests of all shards are: a folder of their own, so that they are listed quickly."""
_CHECKSUM = "checksum"


def manifest_name(shard: Shard) -> str:
    """Returns the name of a shard's manifest."""
    return f"{FOLDER}/{shard}.jsonl"


def hash_of_shard(settings: Any, shard: ShardFiles) -> str:
    """Returns a hash of what determines a shard; size and time of change stand for a file's content.

    Args:
        settings: what JSON can hold of what decides the result.
        shard: its files and boxes.
    """
    content = json.dumps([settings, shard], default=lambda raw: raw.decode("utf-8", "surrogateescape"))
    return hashlib.blake2b(content.encode(), digest_size=16).hexdigest()


def read_manifest(out: Place, shard: Shard, inputs: str) -> list[Line] | None:
    """Reads the manifest of a shard: the first line, then the photographs.

    Args:
        out: where it lies.
        shard: which one.
        inputs: `hash_of_shard` of the files as they are now.

    Returns:
        the lines; None if the shard is still to be made.
    """
    if not out.exists(manifest_name(shard)):
        return None
    try:
        lines: list[Line] = [json.loads(line) for line in out.read(manifest_name(shard)).splitlines()]
        intact = lines[0].pop(_CHECKSUM) == _checksum(lines)
        return lines if intact and lines[0]["inputs"] == inputs else None
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):  # somebody has edited it
        return None


def write_manifest(out: Place, shard: Shard, lines: Sequence[Line]) -> None:
    """Writes the manifest of a shard, whole or not at all."""
    written = [{**lines[0], _CHECKSUM: _checksum(lines)}, *lines[1:]]
    out.write(manifest_name(shard), "".join(json.dumps(line) + "\n" for line in written).encode())


def _checksum(lines: Sequence[Line]) -> str:
    return hashlib.blake2b(json.dumps(lines).encode(), digest_size=16).hexdigest()
