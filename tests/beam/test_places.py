import time

import pytest

pytest.importorskip("apache_beam", reason="needs the extra beam")

from keras_deid.beam import watching
from keras_deid.beam.places import Place, fetched, is_remote

from .conftest import files_of


@pytest.fixture(params=["local", "bucket"])
def place(request, tmp_path, bucket):
    (tmp_path / "start").mkdir()
    (tmp_path / "start/old [1].txt").write_bytes(b"old")
    if request.param == "local":
        return Place.named(str(tmp_path / "start"))
    return Place.named(bucket(tmp_path / "start", "folder") + "/")


def names(place):
    return sorted(place.name_of(file.path) for file in place.files())


def test_files(place):
    place.write("a/b.txt", b"1")
    place.write("a/b.txt", b"22")
    assert names(place) == ["a/b.txt", "old [1].txt"]
    assert [place.name_of(file.path) for file in place.files("a")] == ["a/b.txt"]
    assert place.read("a/b.txt") == b"22" and place.exists("a/b.txt") and not place.exists("a/c.txt")
    place.delete("old [1].txt")
    assert names(place) == ["a/b.txt"]


def test_nothing_is_delivered_after_an_exception(place):
    with pytest.raises(KeyError), place.delivery() as folder:
        (folder / "new.txt").write_bytes(b"new")
        raise KeyError
    place.clear_partial()
    assert names(place) == ["old [1].txt"]


def test_what_stopped_workers_left_is_cleared(place):
    place.write(".partial/123/train.tfrecord", b"half")
    place.clear_partial()
    assert names(place) == ["old [1].txt"]


def test_fetched(place):
    with fetched(place / "old [1].txt") as path:
        assert path.read_bytes() == b"old" and path.name == "old [1].txt"
    assert path.exists() is not is_remote(place.url)


@pytest.mark.parametrize(
    ("outer", "inner", "holds"),
    [("gs://b/x", "gs://b/x/y", True), ("gs://b/x", "gs://b/x/", True), ("gs://b/x", "gs://b/xy", False)],
)
def test_holds(outer, inner, holds):
    assert Place.named(outer).holds(Place.named(inner)) is holds


def test_paths_become_absolute(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert Place.named("photos/").url == f"{tmp_path}/photos"
    assert files_of(tmp_path) == {}


def test_progress_is_seen_in_the_manifests(place, monkeypatch):
    monkeypatch.setattr(watching, "SECONDS", 0.01)
    for name in ("00000-of-00003", "00002-of-00003", "00000-of-00002"):
        place.write(f"manifest/{name}.jsonl", b"{}")
    seen = []
    with watching.watching(place, "preparing", lambda *counts: seen.append(counts)):
        while not seen:
            time.sleep(0.01)
        place.write("manifest/00001-of-00003.jsonl", b"{}")
    assert seen[0] == (2, 3, "preparing") and seen[-1] == (3, 3, "preparing")
