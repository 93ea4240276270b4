"""Where restored files may be written: outputs are never inputs, and nothing is replaced that was not made here."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path, PurePosixPath

from keras_deid.errors import UserError
from keras_deid.locking import locked_file, made_folder
from keras_deid.restoring.picture_files import written_files


def check_apart(source: Path, out: Path) -> None:
    """Sees that neither of two folders lies in the other.

    Raises:
        UserError: if one does.
    """
    inputs, outputs = source.resolve(), out.resolve()
    if inputs in (outputs, *outputs.parents):
        raise UserError(f"{out}: lies in the folder of pictures; choose a folder outside of {source}")
    if outputs in inputs.parents:
        raise UserError(f"{out}: holds the folder of pictures {source}; choose another folder")


def check_not_inputs(outputs: Iterable[Path], inputs: Collection[Path]) -> None:
    """Sees that no output is an input, by whatever links they are reached.

    Raises:
        UserError: if one is.
    """
    places = {path.resolve(): path for path in inputs}
    for path in outputs:
        place = places.get(path.resolve())
        if place is not None:
            raise UserError(f"{path}: is the input {place}; choose another place")


def check_free(path: Path, what: str) -> None:
    """Sees that writing a file replaces nothing.

    Args:
        path: to write.
        what: what to tell of a file that is there.

    Raises:
        UserError: if it is there, or the file that is written beside it.
    """
    for written in written_files(path):
        if os.path.lexists(written):
            raise UserError(f"{written}: {what}, or replace it with --overwrite")


@contextlib.contextmanager
def held_output(out: Path, overwrite: bool) -> Iterator[None]:
    """Holds a single output, in whose folder other processes may write; the folder is made if need be.

    Args:
        out: to write.
        overwrite: replaces it if it exists.

    Raises:
        UserError: if it exists, or another process writes it.
    """
    if not overwrite:
        check_free(out, "exists; choose another name")
    taken = f"{out}: is being written by another process; wait for it or choose another name"
    with made_folder(out.parent), locked_file(out, taken):
        if not overwrite:  # another process may have come first
            check_free(out, "exists; choose another name")
        yield


def make_parents(out: Path, name: str) -> None:
    """Makes the folders of an output inside `out`, but not `out`: if that is gone, somebody has removed it.

    Args:
        out: folder of the outputs.
        name: path inside it, with `/`.

    Raises:
        OSError: if one cannot be made.
    """
    for parent in reversed(PurePosixPath(name).parents[:-1]):
        (out / parent).mkdir(exist_ok=True)
