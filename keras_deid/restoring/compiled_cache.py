"""Compiled networks on disk, so that only the first start on a machine waits for them.

The folder is `KERAS_DEID_CACHE`; without it, `keras-deid` in `XDG_CACHE_HOME`, by default in `~/.cache`. It may be
deleted at any time.
"""

from __future__ import annotations

import logging
import os
import tempfile
from pathlib import Path

log = logging.getLogger(__name__)

KEPT = 16
"""Networks; the ones that were not read for longest go first."""


def read(name: str) -> bytes | None:
    """Returns what was written under a name; None if there is nothing that can be read."""
    try:
        path = folder() / name
        content = path.read_bytes()
        os.utime(path)
        return content
    except (OSError, RuntimeError):
        return None


def write(name: str, content: bytes) -> None:
    """Keeps a compiled network; where nothing can be written, nothing is kept."""
    try:
        kept_in = folder()
        kept_in.mkdir(mode=0o700, parents=True, exist_ok=True)
        # A name of its own: another process may be writing the same network.
        file = tempfile.NamedTemporaryFile(dir=kept_in, prefix=".partial.", delete=False)
        try:
            with file:
                file.write(content)
            os.replace(file.name, kept_in / name)
        except BaseException:
            os.unlink(file.name)
            raise
        by_use = sorted(kept_in.iterdir(), key=lambda path: path.stat().st_mtime, reverse=True)
        for path in by_use[KEPT:]:
            path.unlink(missing_ok=True)
    except (OSError, RuntimeError) as error:
        log.debug("the compiled network is not kept: %s", error)


def folder() -> Path:
    """Returns where the networks are.

    Raises:
        RuntimeError: if there is no home.
    """
    own = os.environ.get("KERAS_DEID_CACHE")
    if own:
        return Path(own)
    base = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(base) if os.path.isabs(base) else Path.home() / ".cache") / "keras-deid"
