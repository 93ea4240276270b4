"""Folders on any file system that Beam knows: `gs://`, `s3://`, `hdfs://`, or this computer's.

The programs that handle a photograph take and give local files. A file that lies elsewhere is fetched for them; what
they write is moved to its place when it is whole.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from apache_beam.io.filesystem import CompressionTypes, FileMetadata
from apache_beam.io.filesystems import FileSystems

PARTIAL = ".partial"
"""Folder inside a `Place` for what is not whole yet."""


@dataclass(frozen=True)
class Place:
    """A folder.

    Attributes:
        url: an absolute path of this computer, or `scheme://...`; without a slash at its end.
    """

    url: str

    @classmethod
    def named(cls, name: str) -> Place:
        """Takes what a user writes; a path of this computer becomes absolute, as workers may have another folder."""
        return cls(name.rstrip("/") if is_remote(name) else os.path.abspath(name))

    def __str__(self) -> str:
        return self.url

    def __truediv__(self, name: str) -> str:
        return f"{self.url}/{name}"

    def holds(self, other: Place) -> bool:
        """Whether the other folder is this one or lies in it."""
        return f"{other.url}/".startswith(f"{self.url}/")

    def files(self, below: str = "") -> Iterator[FileMetadata]:
        """Yields the files in the folder and its sub-folders, with their `path`, in no order.

        Args:
            below: a sub-folder, to see the files in it only.
        """
        root = self / below if below else self.url
        # `FileSystems.match` would hold all of them in memory, and read brackets in names as patterns.
        yield from FileSystems.get_filesystem(root)._list(f"{root}/")

    def name_of(self, path: str) -> str:
        """Returns the path inside the folder, with `/`."""
        return path.removeprefix(f"{self.url}/")

    def exists(self, name: str) -> bool:
        """Whether there is such a file."""
        return FileSystems.exists(self / name)

    def read(self, name: str) -> bytes:
        """Reads a file of the folder."""
        return read(self / name)

    def write(self, name: str, content: bytes) -> None:
        """Writes a file of the folder, whole or not at all."""
        with self.delivery() as folder:
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)

    def delete(self, name: str) -> None:
        """Deletes a file of the folder."""
        _delete(self / name)

    @contextlib.contextmanager
    def delivery(self) -> Iterator[Path]:
        """Gives a local folder; when no exception was raised, its files move to this place, each of them whole."""
        if is_remote(self.url):
            with tempfile.TemporaryDirectory() as folder:
                yield Path(folder)
                for path in _files_in(Path(folder)):
                    self._upload(path, path.relative_to(folder).as_posix())
            return
        partial = Path(self.url, PARTIAL)
        partial.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=partial) as folder:
            yield Path(folder)
            for path in _files_in(Path(folder)):
                target = Path(self.url) / path.relative_to(folder)
                target.parent.mkdir(parents=True, exist_ok=True)
                path.replace(target)

    def _upload(self, path: Path, name: str) -> None:
        # A worker may be stopped, and started twice for the same work: under a name of its own, then renamed.
        partial = f"{self.url}/{PARTIAL}/{uuid.uuid4().hex}"
        uncompressed = CompressionTypes.UNCOMPRESSED
        with (
            open(path, "rb") as source,
            FileSystems.create(partial, "application/octet-stream", uncompressed) as target,
        ):
            shutil.copyfileobj(source, target)
        if self.exists(name):
            self.delete(name)  # some file systems rename to free names only
        FileSystems.rename([partial], [self / name])

    def clear_partial(self) -> None:
        """Deletes what workers left that were stopped."""
        if not is_remote(self.url):
            shutil.rmtree(Path(self.url, PARTIAL), ignore_errors=True)
            return
        for found in list(self.files(PARTIAL)):
            _delete(found.path)


def is_remote(name: str) -> bool:
    """Whether a file or folder lies on another file system than this computer's."""
    return FileSystems.get_scheme(name) is not None


def read(url: str) -> bytes:
    """Reads a file."""
    with FileSystems.open(url, "application/octet-stream", CompressionTypes.UNCOMPRESSED) as file:
        content: bytes = file.read()
        return content


@contextlib.contextmanager
def fetched(url: str) -> Iterator[Path]:
    """Gives a local file with the content of a file, for as long as it is needed; a local one is given itself."""
    if not is_remote(url):
        yield Path(url)
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / url.rpartition("/")[2]
        with (
            FileSystems.open(url, "application/octet-stream", CompressionTypes.UNCOMPRESSED) as source,
            open(path, "wb") as target,
        ):
            shutil.copyfileobj(source, target)
        yield path


def _files_in(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def _delete(url: str) -> None:
    if is_remote(url):
        FileSystems.delete([url])
    else:
        Path(url).unlink(missing_ok=True)
