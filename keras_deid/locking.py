"""One process at a time in a folder, or at a file: who comes second is told so and changes nothing."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterator
from pathlib import Path

import filelock

from keras_deid.atomic import remove_partial_files
from keras_deid.errors import UserError

LOCK = ".lock"
"""The file in a locked folder. It goes when the lock is given back; what a killed process leaves holds no lock."""


@contextlib.contextmanager
def locked_folder(folder: Path, message: str) -> Iterator[None]:
    """Holds a folder and its sub-folders.

    What killed processes have left of half-written files is removed. The folder is made if it does not exist, and
    removed again if nothing came into it.

    Args:
        folder: to hold.
        message: for another process.

    Raises:
        UserError: if another process holds it.
        OSError: if it cannot be written to.
    """
    is_new = not folder.exists()
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with _locked(folder / LOCK, message):
            remove_partial_files(folder)
            yield
    finally:
        if is_new:
            with contextlib.suppress(OSError):  # something came into it
                folder.rmdir()


@contextlib.contextmanager
def locked_file(path: Path, message: str) -> Iterator[None]:
    """Holds a file, which need not exist, and what lies beside it under the same name; its folder must exist.

    Args:
        path: to hold.
        message: for another process.

    Raises:
        UserError: if another process holds it.
        OSError: if its folder cannot be written to.
    """
    # The name itself may be as long as the disk allows.
    name = f"{LOCK}.{hashlib.sha256(path.name.encode(errors='surrogateescape')).hexdigest()[:16]}"
    with _locked(path.parent / name, message):
        yield


@contextlib.contextmanager
def _locked(lock: Path, message: str) -> Iterator[None]:
    try:
        held = filelock.FileLock(lock, blocking=False).acquire()
    except filelock.Timeout as error:
        raise UserError(message) from error
    with held:
        try:
            yield
        finally:
            # While it is held: who has opened the file meanwhile finds out that it is gone, and does not get the lock.
            lock.unlink(missing_ok=True)
