import json

import pytest

from keras_deid import atomic
from keras_deid.atomic import remove_partial_files, whole_file, write_bytes, write_json, write_text

from .full_disk import full_disk


def names(folder):
    return [path.name for path in folder.iterdir()]


def test_what_is_written_replaces_what_was_there(tmp_path):
    write_text(tmp_path / "a.csv", "ü\n")
    assert (tmp_path / "a.csv").read_bytes() == b"\xc3\xbc\n"
    write_bytes(tmp_path / "a.csv", b"\r\n")
    assert (tmp_path / "a.csv").read_bytes() == b"\r\n"
    assert names(tmp_path) == ["a.csv"]


def test_meanwhile_it_has_a_hidden_name_of_the_same_suffix(tmp_path):
    with whole_file(tmp_path / "a.tar.gz") as partial:
        partial.write_bytes(b"half")
        assert names(tmp_path) == [partial.name]
        assert partial.name.startswith(".") and partial.name.endswith(".gz")


@pytest.mark.parametrize("error", [OSError, KeyboardInterrupt])
def test_what_is_not_finished_leaves_the_old_file_and_nothing_else(tmp_path, error):
    write_text(tmp_path / "a.csv", "old")
    with pytest.raises(error), whole_file(tmp_path / "a.csv") as partial:
        partial.write_bytes(b"ha")
        raise error
    assert (tmp_path / "a.csv").read_text() == "old"
    assert names(tmp_path) == ["a.csv"]


def test_no_link_is_followed(tmp_path):
    (tmp_path / "precious").write_text("precious")
    (tmp_path / "a.csv").symlink_to("precious")
    seen = []
    for _ in range(2):
        with whole_file(tmp_path / "a.csv") as partial:
            assert partial.is_file() and not partial.is_symlink()
            seen.append(partial.name)
            partial.write_text("new")
    assert seen[0] != seen[1]  # nobody can foresee it
    assert (tmp_path / "precious").read_text() == "precious"
    assert (tmp_path / "a.csv").read_text() == "new" and not (tmp_path / "a.csv").is_symlink()


def test_a_file_that_is_there_already_is_not_written_to(tmp_path, monkeypatch):
    monkeypatch.setattr(atomic.secrets, "token_hex", lambda length: "0" * 2 * length)
    (tmp_path / "precious").write_text("precious")
    (tmp_path / f".partial.{'0' * 16}.csv").symlink_to("precious")
    with pytest.raises(FileExistsError) as raised:
        write_text(tmp_path / "a.csv", "new")
    assert raised.value.filename == str(tmp_path / "a.csv")
    assert (tmp_path / "precious").read_text() == "precious" and not (tmp_path / "a.csv").exists()


@pytest.mark.parametrize("name", ["a" * 246 + ".csv", "a" * 255, "ü" * 125 + ".csv", "a." + "b" * 250])
def test_the_name_may_be_as_long_as_the_disk_allows(tmp_path, name):
    write_text(tmp_path / name, "new")
    assert names(tmp_path) == [name]


def test_what_does_not_fit_on_the_disk_leaves_the_old_file(tmp_path):
    write_bytes(tmp_path / "a.bin", b"old")
    with full_disk(1000), pytest.raises(OSError, match="a.bin|File too large"):
        write_bytes(tmp_path / "a.bin", bytes(1001))
    assert (tmp_path / "a.bin").read_bytes() == b"old" and names(tmp_path) == ["a.bin"]


def test_an_error_names_the_file_that_is_meant(tmp_path):
    with pytest.raises(FileNotFoundError) as raised:
        write_text(tmp_path / "nowhere" / "a.csv", "new")
    assert raised.value.filename == str(tmp_path / "nowhere" / "a.csv")


def test_what_kills_left_is_removed_and_nothing_else(tmp_path):
    left, others = [f".partial.{'0f' * 8}.csv", f".partial.{'0f' * 8}"], [".partial.a.csv", "a.csv"]
    for name in (*left, *others):
        (tmp_path / name).touch()
    remove_partial_files(tmp_path)
    assert sorted(names(tmp_path)) == sorted(others)


def test_what_is_being_written_is_not_removed(tmp_path):
    with whole_file(tmp_path / "a.csv") as partial:
        remove_partial_files(tmp_path)
        partial.write_text("new")
    assert (tmp_path / "a.csv").read_text() == "new"


def test_json_is_written_whole_or_not_at_all(tmp_path):
    path = tmp_path / "evaluation.json"
    write_json(path, {"split": "test", "restored": {"psnr": 20.5, "faces_found": None}})
    with pytest.raises(ValueError, match="JSON"):
        write_json(path, {"restored": {"psnr": float("nan")}})
    assert json.loads(path.read_text()) == {"split": "test", "restored": {"psnr": 20.5, "faces_found": None}}
    assert names(tmp_path) == ["evaluation.json"]
