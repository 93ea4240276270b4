"""Where a report may be written."""

import pytest

from keras_deid.config import Config
from keras_deid.errors import UserError
from keras_deid.explain import explain as explain_module
from keras_deid.explain.album import Album
from keras_deid.locking import locked_folder

from ..full_disk import full_disk


@pytest.fixture
def explain(monkeypatch):
    monkeypatch.setattr(explain_module, "check_networks", lambda networks, pictures: None)
    monkeypatch.setattr(explain_module, "_explain", lambda networks, pictures, out, *rest: {"written": str(out)})
    return lambda out: explain_module.explain([], None, out, config=Config())


def test_a_folder_of_something_else_keeps_its_pictures(tmp_path, explain):
    (tmp_path / "pictures").mkdir()
    (tmp_path / "pictures" / "holiday.png").write_bytes(b"precious")
    with pytest.raises(UserError, match="holds something else than a report; choose an empty folder"):
        explain(tmp_path)
    assert (tmp_path / "pictures" / "holiday.png").read_bytes() == b"precious"


def test_a_report_is_replaced(tmp_path, explain):
    (tmp_path / "localisation.csv").touch()
    assert explain(tmp_path) == {"written": str(tmp_path)}


def test_two_processes_do_not_write_one_report(tmp_path, explain):
    with locked_folder(tmp_path / "out", ""):
        (tmp_path / "out" / "localisation.csv").touch()
        with pytest.raises(UserError, match="is being written by another process"):
            explain(tmp_path / "out")


def test_pictures_are_whole_or_not_there(tmp_path):
    album = Album(tmp_path / "pictures")
    with full_disk(1000), pytest.raises(OSError):
        album.add("a", bytes(2000))
    assert list((tmp_path / "pictures").iterdir()) == []
