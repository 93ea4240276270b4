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
from keras_deid.restoring.region_sources import RegionSource

MANIFEST = "manifest.json"
SCHEMA = 3
"""2 had `boxes_sha256` in the settings; 1, which was not written down, listed the files as `pictures`."""
_JOURNAL = ".manifest.jsonl"

Settings = dict[str, Any]
"""What all outputs of a folder have in common."""
SourceState = dict[str, Any]
"""Stands for the content of a source: its size and time of change."""
FileRecord = dict[str, Any]
"""An output: path, state of the source, size, SHA-256, and what else there is to say."""


def settings_of(name: str, identity: str, regions: RegionSource | None) -> Settings:
    """Returns what all outputs of a folder have in common: the model, and what says which regions are restored."""
    return {"model": name, "model_sha256": identity, "regions": None if regions is None else regions.settings}


def other_settings(folder: Path | str) -> UserError:
    """Returns the error of a folder that holds outputs of other settings."""
    return UserError(f"{folder}: holds pictures of another model or other boxes; choose another folder")


class Manifest:
    """The state of a folder of restored pictures and videos.

    A record is written to a journal as soon as its file is on disk; when all are done, the records become
    `manifest.json`, sorted. Both survive a kill: a file without a record is restored again.

    Args:
        folder: of the outputs; is made if it does not exist.
        settings: see `settings_of`.

    Raises:
        UserError: if the folder holds outputs of other settings.
    """

    def __init__(self, folder: Path, settings: Settings) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._settings = settings
        self._lock = threading.Lock()
        self._records: dict[str, FileRecord] = {}
        for path, read in ((folder / MANIFEST, _read_manifest), (folder / _JOURNAL, _read_journal)):
            if path.is_file():
                there, records = read(path)
                if there != settings:
                    raise other_settings(folder)
                self._records.update({record["path"]: record for record in records})
        self._journal: TextIO | None = None

    def is_done(self, name: str, source: Path) -> bool:
        """Whether the output exists, and was made from the source as it is now."""
        record = self._records.get(name)
        output = self._folder / name
        return (
            record is not None
            and record["source"] == state(source)
            and output.is_file()
            and output.stat().st_size == record["bytes"]
        )

    def add(self, name: str, source: SourceState, details: dict[str, Any]) -> None:
        """Notes that an output is on disk; may be called from several threads.

        Args:
            name: path inside the folder, with `/`.
            source: `state` of the source, from before it was read.
            details: what else there is to say.
        """
        with open(self._folder / name, "rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
            size = file.tell()
        record = {"path": name, "source": source, "bytes": size, "sha256": digest, **details}
        with self._lock:
            if self._journal is None:
                self._journal = self._open_journal()
            self._journal.write(json.dumps(record) + "\n")
            self._journal.flush()
            self._records[name] = record

    def finish(self, names: Iterable[str]) -> None:
        """Writes `manifest.json` with the records of these outputs, and removes the journal."""
        self.close()
        records = [self._records[name] for name in sorted(set(names) & self._records.keys())]
        content = {"schema": SCHEMA, "settings": self._settings, "synthetic": True, "files": records}
        text = json.dumps(content, indent=2) + "\n"
        write_on_disk(self._folder / MANIFEST, text.encode())
        (self._folder / _JOURNAL).unlink(missing_ok=True)

    def close(self) -> None:
        """Closes the journal."""
        if self._journal is not None:
            self._journal.close()
            self._journal = None

    def _open_journal(self) -> TextIO:
        """Starts the journal anew, with the records that are known: a torn last line must not meet the next one."""
        lines = [json.dumps(self._settings), *(json.dumps(record) for record in self._records.values())]
        write_on_disk(self._folder / _JOURNAL, "".join(f"{line}\n" for line in lines).encode())
        return open(self._folder / _JOURNAL, "a", encoding="utf-8")


def state(source: Path) -> SourceState:
    """Stands for the content of a source."""
    found = source.stat()
    return {"bytes": found.st_size, "modified_ns": found.st_mtime_ns}


def _read_manifest(path: Path) -> tuple[Settings, list[FileRecord]]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        schema = content.get("schema", 1)
        if schema > SCHEMA:
            raise UserError(f"{path}: was written by a later version (schema {schema}); choose another folder")
        return content["settings"], content["pictures" if schema == 1 else "files"]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(f"{path}: is not a manifest of restored pictures; choose another folder") from error


def _read_journal(path: Path) -> tuple[Settings, list[FileRecord]]:
    lines: list[dict[str, Any]] = []
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            lines.append(json.loads(line))
        except ValueError:  # torn by a kill
            break
    return (lines[0], lines[1:]) if lines else ({}, [])
