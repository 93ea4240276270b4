"""Which files of a folder are restored already, from what, and by which model."""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, TextIO

import pydantic

from keras_deid.atomic import write_text
from keras_deid.errors import UserError
from keras_deid.restoring.outputs import check_free
from keras_deid.restoring.region_sources import RegionSource

MANIFEST = "manifest.json"
SCHEMA = 3
"""2 had `boxes_sha256` in the settings; 1, which was not written down, listed the files as `pictures`."""
_JOURNAL = ".manifest.jsonl"
_BEGUN = "begun"
"""The row of a journal that lists the outputs of which there may be one without a record."""

Settings = dict[str, Any]
"""What all outputs of a folder have in common."""
SourceState = dict[str, Any]
"""Stands for the content of a source: its size and time of change."""
FileRecord = dict[str, Any]
"""An output: path, state of the source, size, SHA-256, and what else there is to say."""


def settings_of(name: str, identity: str, regions: RegionSource | None, keep_words: bool = True) -> Settings:
    """Returns what all outputs have in common: the model, what says which regions are restored, what is left out."""
    settings = {"model": name, "model_sha256": identity, "regions": None if regions is None else regions.settings}
    return settings if keep_words else {**settings, "metadata": "left out"}


def other_settings(folder: Path | str) -> UserError:
    """Returns the error of a folder that holds outputs of other settings."""
    return UserError(
        f"{folder}: holds pictures of another model or other boxes; choose another folder, or replace them with "
        "--overwrite"
    )


class Manifest:
    """The state of a folder of restored pictures and videos.

    What will be written is written to a journal before, and a record as soon as its file is on disk; when all are done,
    the records become `manifest.json`, sorted. Both survive a kill: a file without a record is restored again.

    Attributes:
        is_new: whether nothing was restored to the folder before.

    Args:
        folder: of the outputs.
        settings: see `settings_of`.
        overwrite: forgets outputs of other settings, so that they can be replaced.

    Raises:
        UserError: if the folder holds outputs of other settings.
    """

    def __init__(self, folder: Path, settings: Settings, overwrite: bool = False) -> None:
        self._folder = folder
        self._settings = settings
        self._lock = threading.Lock()
        self._records: dict[str, FileRecord] = {}
        self._begun: set[str] = set()
        self.is_new = True
        for path, read in ((folder / MANIFEST, _read_manifest), (folder / _JOURNAL, _read_journal)):
            if path.is_file():
                self.is_new = False
                there, records = read(path)
                if there != settings and not overwrite:
                    raise other_settings(folder)
                for record in records if there == settings else ():
                    if _lists_begun(record):
                        self._begun.update(record[_BEGUN])
                    else:
                        self._records[record["path"]] = record
        self._journal: TextIO | None = None

    def is_done(self, name: str, source: Path) -> bool:
        """Whether the output exists, and was made from the source as it is now."""
        record = self._records.get(name)
        return record is not None and record["source"] == state(source) and self._is_intact(record)

    def begin(self, names: Iterable[str], overwrite: bool = False) -> None:
        """Notes which outputs will be written.

        Args:
            names: paths inside the folder, with `/`.
            overwrite: replaces files that are there already and were not written by this command.

        Raises:
            UserError: if there are such files.
        """
        names = set(names)
        if not overwrite:
            for name in sorted(names - self._begun - self._records.keys()):
                check_free(self._folder / name, "exists and was not restored here; choose another folder")
        self._begun |= names
        if names:
            self._journal = self._open_journal()

    def check_there(self) -> None:
        """Sees that nobody has removed the folder since the work began.

        Raises:
            UserError: if somebody has.
        """
        assert self._journal is not None
        try:
            is_there = os.path.samestat(os.stat(self._folder / _JOURNAL), os.fstat(self._journal.fileno()))
        except FileNotFoundError:
            is_there = False
        if not is_there:
            raise UserError(f"{self._folder}: was removed or replaced meanwhile; run the same command again")

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
            assert self._journal is not None
            self._journal.write(json.dumps(record) + "\n")
            self._journal.flush()
            self._records[name] = record

    def finish(self, names: Iterable[str]) -> None:
        """Writes `manifest.json` with the records of these outputs, and removes the journal.

        Raises:
            UserError: if some of them are not there any more.
        """
        self.close()
        records = [self._records[name] for name in sorted(set(names) & self._records.keys())]
        gone = [record["path"] for record in records if not self._is_intact(record)]
        if gone:
            raise UserError(
                f"{self._folder}: {len(gone)} of {len(records)} restored files were removed or changed meanwhile, "
                f"{gone[0]} for instance; run the same command again"
            )
        content = {"schema": SCHEMA, "settings": self._settings, "synthetic": True, "files": records}
        text = json.dumps(content, indent=2) + "\n"
        write_text(self._folder / MANIFEST, text)
        (self._folder / _JOURNAL).unlink(missing_ok=True)

    def close(self) -> None:
        """Closes the journal."""
        if self._journal is not None:
            self._journal.close()
            self._journal = None

    def _is_intact(self, record: FileRecord) -> bool:
        output = self._folder / record["path"]
        return output.is_file() and output.stat().st_size == record["bytes"]

    def _open_journal(self) -> TextIO:
        """Starts the journal anew, with the records that are known: a torn last line must not meet the next one."""
        rows = [self._settings, {_BEGUN: sorted(self._begun)}, *self._records.values()]
        lines = [json.dumps(row) for row in rows]
        write_text(self._folder / _JOURNAL, "".join(f"{line}\n" for line in lines))
        return open(self._folder / _JOURNAL, "a", encoding="utf-8")


class _Record(pydantic.BaseModel):
    path: str
    source: SourceState
    bytes: Annotated[int, pydantic.Field(strict=True)]


class _Manifest(pydantic.BaseModel):
    settings: Settings
    files: list[_Record]


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
        records = content["pictures" if schema == 1 else "files"]
        _Manifest.model_validate({"settings": content["settings"], "files": records})
        return content["settings"], records
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise UserError(f"{path}: is not a manifest of restored pictures; choose another folder") from error


def _read_journal(path: Path) -> tuple[Settings, list[FileRecord]]:
    """Returns the settings and the records up to the first line that is none: torn by a kill, or edited."""
    lines: list[Any] = []
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            lines.append(json.loads(line))
        except (ValueError, RecursionError):
            break
    if not lines or not isinstance(lines[0], dict):
        raise UserError(f"{path}: is not a journal of restored pictures; delete it, or choose another folder")
    return lines[0], list(itertools.takewhile(lambda line: _is_record(line) or _lists_begun(line), lines[1:]))


def _lists_begun(line: Any) -> bool:
    begun = line.get(_BEGUN) if isinstance(line, dict) else None
    return isinstance(begun, list) and all(isinstance(name, str) for name in begun)


def _is_record(line: Any) -> bool:
    try:
        _Record.model_validate(line)
    except pydantic.ValidationError:
        return False
    return True
