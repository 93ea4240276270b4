import json

import pytest

from keras_deid.atomic import whole_file, write_bytes, write_json, write_text


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
        assert partial.name.startswith(".") and partial.name.endswith(".tar.gz")


@pytest.mark.parametrize("error", [OSError, KeyboardInterrupt])
def test_what_is_not_finished_leaves_the_old_file_and_nothing_else(tmp_path, error):
    write_text(tmp_path / "a.csv", "old")
    with pytest.raises(error), whole_file(tmp_path / "a.csv") as partial:
        partial.write_bytes(b"ha")
        raise error
    assert (tmp_path / "a.csv").read_text() == "old"
    assert names(tmp_path) == ["a.csv"]


def test_what_a_kill_left_is_no_hindrance(tmp_path):
    (tmp_path / ".partial.a.csv").write_bytes(b"half of something longer")
    write_text(tmp_path / "a.csv", "new")
    assert (tmp_path / "a.csv").read_text() == "new" and names(tmp_path) == ["a.csv"]


def test_json_is_written_whole_or_not_at_all(tmp_path):
    path = tmp_path / "evaluation.json"
    write_json(path, {"split": "test", "restored": {"psnr": 20.5, "faces_found": None}})
    with pytest.raises(ValueError, match="JSON"):
        write_json(path, {"restored": {"psnr": float("nan")}})
    assert json.loads(path.read_text()) == {"split": "test", "restored": {"psnr": 20.5, "faces_found": None}}
    assert names(tmp_path) == ["evaluation.json"]
