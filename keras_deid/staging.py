"""The hidden folder in which something is made, before it gets its place by a rename."""

from __future__ import annotations

import contextlib
import fcntl
from collections.abc import Iterator
from pathlib import Path

from keras_deid.errors import UserError


@contextlib.contextmanager
def staging(out: Path, taken: str) -> Iterator[Path]:
    """Gives a hidden folder beside `out` to one process at a time, until it is done or killed.

    The folder stays as it is, for the next one to go on in; who has nothing more to do in it removes it.

    Args:
        out: what is made.
        taken: what to tell another process, after the name of `out`.

    Raises:
        UserError: if another process works there.
    """
    partial = out.parent / f".{out.name}.partial"
    partial.mkdir(parents=True, exist_ok=True)
    with open(partial / "lock", "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise UserError(f"{out}: {taken}") from error
        yield partial
