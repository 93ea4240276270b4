import shutil

import pytest


@pytest.fixture
def bucket(tmp_path):
    """Returns a function that puts a local folder into the bucket, and the folder where the bucket keeps its files."""
    from .bucket import Bucket

    Bucket.root = tmp_path / "bucket"
    Bucket.root.mkdir()

    def put(folder, name):
        shutil.copytree(folder, Bucket.root / "b" / name)
        return f"bucket://b/{name}"

    return put


def files_of(folder):
    """The files of a folder and its sub-folders by their path inside it."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()
    }
