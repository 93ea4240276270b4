"""Which files of a folder are restored already, from what, and by which model."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Any, TextIO

from keras_deid.errors import UserError
from keras_deid.restoring.picture_files import write_on_disk

MANIFEST = "manifest.json"
_JOURNAL = ".manifest.jsonl"

Row = dict[str, Any]


def settings_of(name: str, identity: str, boxes: Path | None) -> Row:
    """Returns what all outputs of a folder have in common: the model, and the boxes by their content."""
    found = None if boxes is None else hashlib.sha256(boxes.read_bytes()).hexdigest()
    return {"model": name, "model_sha256": identity, "boxes_sha256": found}


class Manifest:
    """The state of a folder of restored pictures and videos.

    A row is written to a journal as soon as its file is on disk; when all are done, the rows become
    `manifest.json`, sorted. Both survive a kill: a file without a row is restored again.

    Args:
        folder: of the outputs; is made if it does not exist.
        settings: see `settings_of`.

    Raises:
        UserError: if the folder holds outputs of other settings.
    """

    def __init__(self, folder: Path, settings: Row) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._settings = settings
        self._lock = threading.Lock()
        self._rows: dict[str, Row] = {}
        for path, read in ((folder / MANIFEST, _read_manifest), (folder / _JOURNAL, _read_journal)):
            if path.is_file():
                there, rows = read(path)
                if there != settings:
                    raise UserError(f"{folder}: holds pictures of another model or other boxes; choose another folder")
                self._rows.update({row["path"]: row for row in rows})
        self._journal: TextIO | None = None

    def is_done(self, name: str, source: Path) -> bool:
        """Whether the output exists, and was made from the source as it is now."""
        row = self._rows.get(name)
        output = self._folder / name
        return (
            row is not None
            and row["source"] == state(source)
            and output.is_file()
            and output.stat().st_size == row["bytes"]
        )

    def add(self, name: str, source: Row, details: Row) -> None:
        """Notes that an output is on disk; may be called from several threads.

        Args:
            name: path inside the folder, with `/`.
            source: `state` of the source, from before it was read.
            details: what else there is to say.
        """
        with open(self._folder / name, "rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
            size = file.tell()
        row = {"path": name, "source": source, "bytes": size, "sha256": digest, **details}
        with self._lock:
            if self._journal is None:
                self._journal = self._open_journal()
            self._journal.write(json.dumps(row) + "\n")
            self._journal.flush()
            self._rows[name] = row

    def finish(self, names: Iterable[str]) -> None:
        """Writes `manifest.json` with the rows of these outputs, and removes the journal."""
        self.close()
        rows = [self._rows[name] for name in sorted(set(names) & self._rows.keys())]
        text = json.dumps({"settings": self._settings, "synthetic": True, "pictures": rows}, indent=2) + "\n"
        write_on_disk(self._folder / MANIFEST, text.encode())
        (self._folder / _JOURNAL).unlink(missing_ok=True)

    def close(self) -> None:
        """Closes the journal."""
        if self._journal is not None:
            self._journal.close()
            self._journal = None

    def _open_journal(self) -> TextIO:
        """Starts the journal anew, with the rows that are known: a torn last line must not meet the next one."""
        lines = [json.dumps(self._settings), *(json.dumps(row) for row in self._rows.values())]
        write_on_disk(self._folder / _JOURNAL, "".join(f"{line}\n" for line in lines).encode())
        return open(self._folder / _JOURNAL, "a", encoding="utf-8")


def state(source: Path) -> Row:
    """Stands for the content of a source."""
    found = source.stat()
    return {"bytes": found.st_size, "modified_ns": found.st_mtime_ns}


def _read_manifest(path: Path) -> tuple[Row, list[Row]]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return content["settings"], content["pictures"]
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(f"{path}: is no manifest of restored pictures; choose another folder") from error


def _read_journal(path: Path) -> tuple[Row, list[Row]]:
    rows: list[Row] = []
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            rows.append(json.loads(line))
        except ValueError:  # torn by a kill
            break
    return (rows[0], rows[1:]) if rows else ({}, [])
