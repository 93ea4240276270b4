"""Which shard a file belongs to: a hash of its name says it, so that no order and no rank matters."""

from __future__ import annotations

import hashlib
import math
import posixpath
import re
from typing import NamedTuple

from keras_deid.data.split import path_key


class Shard(NamedTuple):
    """One of the parts into which files are divided.

    Attributes:
        number: from 0.
        total: how many shards there are.
    """

    number: int
    total: int

    def __str__(self) -> str:
        return f"{self.number:05d}-of-{self.total:05d}"


SHARD_NAME = re.compile(r"(\d{5,})-of-(\d{5,})")
"""How a shard is written in the names of its files."""


def shard_count(files: int) -> int:
    """Returns the number of shards for so many files: about as many as there are files in each."""
    return max(math.isqrt(files), 1)


def shard_of(name: str, count: int) -> Shard:
    """Returns the shard of a file.

    A photograph, its mask and its boxes come to one shard, however a table writes the name; see `Names`.

    Args:
        name: path of the file inside its folder.
        count: number of shards.
    """
    key = path_key(posixpath.normpath(name.strip().replace("\\", "/")))
    # Salted: the plain hash of the same key draws the split.
    digest = hashlib.blake2b(key.encode("utf-8", "surrogateescape"), digest_size=8, salt=b"shard").digest()
    return Shard(int.from_bytes(digest, "big") % count, count)
