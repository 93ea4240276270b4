"""What is scored already: a file of JSON lines, so that an evaluation continues where it was stopped."""

from __future__ import annotations

import hashlib
import itertools
import json
from pathlib import Path
from typing import Any, TextIO

from keras_deid.atomic import write_text
from keras_deid.errors import UserError
from keras_deid.field.score import Record

JOURNAL = "journal.jsonl"
_CHECKSUM = "checksum"
UNTOUCHED = "untouched"
"""Stands in for a kind: the photograph as it is."""


class Journal:
    """Records of photographs, by photograph and kind.

    Args:
        folder: where the file is, or will be.
        settings: what all records have in common: the models, and what finds faces.
        out: to name in errors.

    Raises:
        UserError: if the file holds records of other settings, or is not a journal.
    """

    def __init__(self, folder: Path, settings: Record, out: Path) -> None:
        self._records: dict[tuple[str, str], Record] = {}
        path = folder / JOURNAL
        lines: list[Any] = _read(path, out) if path.is_file() else []
        if lines and lines[0] != settings:
            raise UserError(f"{out}: holds the evaluation of other models or settings; choose another folder")
        for line in itertools.takewhile(_is_intact, lines[1:]):
            self._records[line["path"], line["kind"]] = line
        # Written anew: a torn last line must not meet the next one.
        write_text(path, "".join(f"{json.dumps(line)}\n" for line in (settings, *self._records.values())))
        self._file: TextIO = open(path, "a", encoding="utf-8")

    def get(self, path: str, kind: str, state: Record) -> Record | None:
        """Returns the record of a photograph and kind; None if there is none, or the file has changed since.

        Args:
            path: of the photograph, inside the folder.
            kind: a kind, or `UNTOUCHED`.
            state: of the file, see `keras_deid.restoring.manifest.state`.
        """
        line = self._records.get((path, kind))
        return line["record"] if line is not None and line["state"] == state else None

    def add(self, path: str, kind: str, state: Record, record: Record) -> None:
        """Writes a record."""
        line = {"path": path, "kind": kind, "state": state, "record": record}
        line[_CHECKSUM] = _checksum(line)
        self._records[path, kind] = line
        self._file.write(json.dumps(line, allow_nan=False) + "\n")
        self._file.flush()

    def close(self) -> None:
        """Closes the file."""
        self._file.close()

    def __enter__(self) -> Journal:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


def _read(path: Path, out: Path) -> list[Any]:
    lines = []
    try:
        for line in path.read_text(encoding="utf-8").splitlines():
            try:
                lines.append(json.loads(line))
            except (ValueError, RecursionError):  # torn by a kill, or edited
                break
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{out}: its journal cannot be read; choose another folder") from error
    return lines


def _is_intact(line: Any) -> bool:
    """Whether a line is as `Journal.add` wrote it: what is in a record is relied on."""
    if not isinstance(line, dict):
        return False
    written = {key: value for key, value in line.items() if key != _CHECKSUM}
    return bool(line.get(_CHECKSUM) == _checksum(written))


def _checksum(line: Record) -> str:
    return hashlib.blake2b(json.dumps(line).encode(), digest_size=16).hexdigest()
