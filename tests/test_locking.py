import subprocess
import sys

import pytest

from keras_deid.errors import UserError
from keras_deid.locking import locked_file, locked_folder

HOLDING = """
import sys
from pathlib import Path
from keras_deid.locking import locked_folder
with locked_folder(Path(sys.argv[1]), "taken"):
    print("held", flush=True)
    sys.stdin.read()
"""


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_folder_is_held_by_one_at_a_time_and_keeps_no_trace(tmp_path):
    folder = tmp_path / "deep" / "out"
    with locked_folder(folder, f"{folder}: is taken; wait"):
        (folder / "file").touch()
        with (
            pytest.raises(UserError, match=r"/out: is taken; wait$"),
            locked_folder(folder, f"{folder}: is taken; wait"),
        ):
            pass
        with locked_folder(folder / "sub", ""):  # another folder
            pass
    assert names(folder) == ["file"]
    with locked_folder(folder, ""):
        pass
    assert names(folder) == ["file"]


def test_a_folder_into_which_nothing_came_is_removed_if_it_was_not_there(tmp_path):
    (tmp_path / "there").mkdir()
    for name in ("there", "new", "deep/new"):
        with pytest.raises(ValueError), locked_folder(tmp_path / name, ""):
            raise ValueError
    assert names(tmp_path) == ["there"]


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path):
    (tmp_path / "file").touch()
    for folder in (tmp_path / "file", tmp_path / "file" / "deep"):
        with pytest.raises(UserError, match=f"^{folder}: cannot be made a folder"), locked_folder(folder, ""):
            pass


def test_half_written_files_of_the_killed_are_removed(tmp_path):
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / f".partial.{'a' * 16}.png").touch()
    with locked_folder(tmp_path, ""):
        assert names(tmp_path / "sub") == []


def test_what_is_killed_holds_nothing(tmp_path):
    child = subprocess.Popen(
        [sys.executable, "-c", HOLDING, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert child.stdout.readline() == "held\n"
    with pytest.raises(UserError, match="taken"), locked_folder(tmp_path, "taken"):
        pass
    child.kill()
    child.wait()
    assert names(tmp_path) == [".lock"]
    with locked_folder(tmp_path, "taken"):
        pass
    assert names(tmp_path) == []


def test_a_lock_that_is_a_link_is_not_followed(tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / ".lock").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UserError, match="out: cannot be written to"), locked_folder(tmp_path / "out", ""):
        pass
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.parametrize("name", ["a.json", "ü" * 127])
def test_a_file_is_held_by_one_at_a_time(tmp_path, name):
    with locked_file(tmp_path / name, "taken"):
        with pytest.raises(UserError, match="taken"), locked_file(tmp_path / name, "taken"):
            pass
        with locked_file(tmp_path / "other.json", "taken"):
            pass
    assert names(tmp_path) == []
