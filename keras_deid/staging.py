"""The hidden folder in which something is made, before it gets its place by a rename."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path

from keras_deid.errors import UserError
from keras_deid.locking import locked_folder


@contextlib.contextmanager
def staging(out: Path, taken: str) -> Iterator[Path]:
    """Gives a hidden folder beside `out` to one process at a time, until that process is done or killed.

    The folder and its files stay, so that the next process can continue; a process that is finished removes them.

    Args:
        out: what is made.
        taken: what to tell another process, after the name of `out`.

    Raises:
        UserError: if another process works there, or it is a link.
    """
    folder = _folder(out)
    if folder.is_symlink():
        raise UserError(f"{folder}: is a link; remove it")
    with locked_folder(folder, f"{out}: {taken}"):
        yield folder


def remove_staging(out: Path) -> None:
    """Removes what a process has left that was killed after `out` had got its place; another one's work stays."""
    folder = _folder(out)
    if folder.is_dir() and not folder.is_symlink():
        with contextlib.suppress(UserError, OSError), locked_folder(folder, f"{out}: is taken"):
            shutil.rmtree(folder)


def _folder(out: Path) -> Path:
    return out.parent / f".{out.name}.partial"
