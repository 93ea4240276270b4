"""Files that are there whole or not at all: written under another name beside their place, then renamed."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import re
import secrets
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

_PARTIAL = re.compile(r"\.partial\.[0-9a-f]{16}(\..{0,15})?")
_LONGEST_SUFFIX = 16


@contextlib.contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Gives the name to write a file under; the file takes its own name when it is written without an exception.

    That name is hidden, short, cannot be foreseen, and is that of a new, empty file: a link that somebody has put there
    is never followed. It ends as the file's own does: Keras and ffmpeg take the format from it. The file is on the disk
    itself before it takes its name.
    """
    partial = _hidden_name(path)
    try:
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
        try:
            _is_held(descriptor)
            yield partial
            os.fsync(descriptor)
            partial.replace(path)
        except BaseException:
            with contextlib.suppress(OSError):  # what went wrong first is what is raised
                partial.unlink(missing_ok=True)
            raise
        finally:
            os.close(descriptor)
    except OSError as error:
        if error.filename == str(partial):
            error.filename = str(path)
        raise


def write_bytes(path: Path, content: bytes) -> None:
    """Writes a file, whole or not at all."""
    with whole_file(path) as partial:
        partial.write_bytes(content)
        written = partial.stat().st_size
        if written != len(content):
            raise OSError(errno.EIO, f"only {written} of {len(content)} bytes were written", str(path))


def write_text(path: Path, text: str) -> None:
    """Writes a text file in UTF-8, whole or not at all."""
    write_bytes(path, text.encode())


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Writes a JSON file, whole or not at all.

    Raises:
        ValueError: if a value is NaN or infinite, which JSON does not have (None is the absent number).
    """
    write_text(path, json.dumps(content, indent=2, allow_nan=False) + "\n")


def remove_partial_files(folder: Path) -> None:
    """Removes what killed processes have left of `whole_file` in a folder."""
    for path in folder.glob(".partial.*"):
        if _PARTIAL.fullmatch(path.name) and not _is_written(path):
            path.unlink(missing_ok=True)


def _hidden_name(path: Path) -> Path:
    suffix = path.suffix if len(path.suffix) <= _LONGEST_SUFFIX else ""
    return path.with_name(f".partial.{secrets.token_hex(8)}{suffix}")


def _is_written(partial: Path) -> bool:
    """Whether a living process writes the file."""
    try:
        descriptor = os.open(partial, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return False
    try:
        return _is_held(descriptor)
    finally:
        os.close(descriptor)


def _is_held(descriptor: int) -> bool:
    """Whether another process holds a file; if not, this one does now, until it closes it or dies."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:  # a file system without locks
        return False
    return False
