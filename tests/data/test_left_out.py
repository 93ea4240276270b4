import os

import pytest

from keras_deid.data.images import find_images
from keras_deid.data.left_out import find_left_out, summary_of, write_skipped


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "photos"
    for name in ("a.jpg", "b.jfif", "notes.txt", "sub/c.svg", "sub/README", ".hidden.txt", ".cache/d.txt", "e.avif"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    (tmp_path / "elsewhere").mkdir()
    (folder / "linked").symlink_to(tmp_path / "elsewhere")
    (folder / "dangling.jpg").symlink_to(tmp_path / "nowhere.jpg")
    (folder / "again.jpg").symlink_to(folder / "a.jpg")
    os.mkfifo(folder / "pipe.jpg")
    return folder


def test_what_is_not_read_is_listed_with_the_reason(folder):
    read = find_images(folder)
    assert [path.name for path in read] == ["a.jpg", "again.jpg", "b.jfif", "e.avif"]
    left_out = find_left_out(folder, read)
    assert left_out == {
        "dangling.jpg": "link to nothing",
        "linked": "link to a folder",
        "notes.txt": ".txt is not a format that is read",
        "pipe.jpg": "neither a file nor a folder",
        "sub/README": "a name without a suffix",
        "sub/c.svg": ".svg is not a format that is read",
    }
    said = summary_of({**left_out, "x.txt": left_out["notes.txt"]})
    assert said.startswith("2 x .txt is not a format that is read, ")


def test_the_table_takes_every_name(tmp_path):
    write_skipped(tmp_path / "skipped.csv", {"a, b.txt": "why", "caf\udce9.txt": "not"})
    assert (tmp_path / "skipped.csv").read_bytes() == b'path,reason\r\n"a, b.txt",why\r\ncaf\xe9.txt,not\r\n'
