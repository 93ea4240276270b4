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

    What killed processes have left of half-written files is removed. The folder is made as `made_folder` does it.

    Args:
        folder: to hold.
        message: for another process.

    Raises:
        UserError: if another process holds it, or it cannot be written to.
    """
    with made_folder(folder), _locked(folder / LOCK, message):
        for place in (folder, *folder.rglob("*/")):
            remove_partial_files(place)
        yield


@contextlib.contextmanager
def locked_file(path: Path, message: str) -> Iterator[None]:
    """Holds a file, which need not exist, and what lies beside it under the same name; its folder must exist.

    What killed processes have left of half-written files in that folder is removed.

    Args:
        path: to hold.
        message: for another process.

    Raises:
        UserError: if another process holds it, or its folder cannot be written to.
    """
    # The name itself may be as long as the disk allows.
    name = f"{LOCK}.{hashlib.sha256(path.name.encode(errors='surrogateescape')).hexdigest()[:16]}"
    with _locked(path.parent / name, message):
        remove_partial_files(path.parent)
        yield


@contextlib.contextmanager
def made_folder(folder: Path) -> Iterator[None]:
    """Makes a folder, if it does not exist, and removes it again, if nothing came into it; those above likewise.

    Raises:
        UserError: if it cannot be made.
    """
    made = [place for place in (folder, *folder.parents) if not place.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"{folder}: cannot be made a folder ({error.strerror}); choose another place") from error
    try:
        yield
    finally:
        with contextlib.suppress(OSError):  # something came into it
            for place in made:
                place.rmdir()


@contextlib.contextmanager
def _locked(lock: Path, message: str) -> Iterator[None]:
    try:
        held = filelock.FileLock(lock, blocking=False).acquire()
    except filelock.Timeout as error:
        raise UserError(message) from error
    except OSError as error:
        reason = error.strerror or error
        raise UserError(f"{lock.parent}: cannot be written to ({reason}); choose another place") from error
    with held:
        try:
            yield
        finally:
            # While it is held: who has opened the file meanwhile finds out that it is gone, and does not get the lock.
            with contextlib.suppress(OSError):  # what went wrong first is what is raised
                lock.unlink(missing_ok=True)
