"""A file system as object stores are: no folders, nothing appended, names that must be free to be renamed to."""

import shutil
from pathlib import Path

from apache_beam.io.filesystem import BeamIOError, FileMetadata, FileSystem


class Bucket(FileSystem):
    """`bucket://NAME/...`, kept in the local folder `root`; works in this process only."""

    root: Path

    @classmethod
    def scheme(cls):
        return "bucket"

    def _path(self, url):
        return self.root / url.removeprefix("bucket://")

    def join(self, basepath, *paths):
        return "/".join([basepath.rstrip("/"), *paths])

    def split(self, path):
        head, _, tail = path.rpartition("/")
        return head, tail

    def mkdirs(self, path):
        pass

    def has_dirs(self):
        return False

    def _list(self, dir_or_prefix):
        for path in self.root.rglob("*"):
            url = f"bucket://{path.relative_to(self.root).as_posix()}"
            if path.is_file() and url.startswith(dir_or_prefix):
                yield self.metadata(url)

    def create(self, path, mime_type="", compression_type=""):
        self._path(path).parent.mkdir(parents=True, exist_ok=True)
        return open(self._path(path), "wb")

    def open(self, path, mime_type="", compression_type=""):
        return open(self._path(path), "rb")

    def copy(self, source_file_names, destination_file_names):
        for source, target in zip(source_file_names, destination_file_names, strict=True):
            self._path(target).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(self._path(source), self._path(target))

    def rename(self, source_file_names, destination_file_names):
        for source, target in zip(source_file_names, destination_file_names, strict=True):
            if self.exists(target):
                raise BeamIOError(f"{target} exists")
            self._path(target).parent.mkdir(parents=True, exist_ok=True)
            self._path(source).rename(self._path(target))

    def exists(self, path):
        return self._path(path).is_file()

    def size(self, path):
        return self._path(path).stat().st_size

    def last_updated(self, path):
        return self._path(path).stat().st_mtime

    def checksum(self, path):
        return str(self.size(path))

    def metadata(self, path):
        return FileMetadata(path, self.size(path), self.last_updated(path))

    def delete(self, paths):
        for path in paths:
            self._path(path).unlink()
