"""The hidden folder in which something is made, before it gets its place by a rename."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import filelock

from keras_deid.errors import UserError


@contextlib.contextmanager
def staging(out: Path, taken: str) -> Iterator[Path]:
    """Gives a hidden folder beside `out` to one process at a time, until that process is done or killed.

    The folder and its files stay, so that the next process can continue; a process that is finished removes it.

    Args:
        out: what is made.
        taken: what to tell another process, after the name of `out`.

    Raises:
        UserError: if another process works there.
    """
    folder = out.parent / f".{out.name}.partial"
    folder.mkdir(parents=True, exist_ok=True)
    try:
        held = filelock.FileLock(folder / "lock", blocking=False).acquire()
    except filelock.Timeout as error:
        raise UserError(f"{out}: {taken}") from error
    with held:
        yield folder
