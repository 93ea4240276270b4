import pytest

from keras_deid.errors import UserError
from keras_deid.staging import remove_staging, staging


def test_one_at_a_time(tmp_path):
    out = tmp_path / "deep" / "out"
    with staging(out, "is taken; wait") as place:
        (place / "chunk").touch()
        with pytest.raises(UserError, match=r"/out: is taken; wait$"), staging(out, "is taken; wait"):
            pass
    with staging(out, "is taken; wait") as again:
        assert again == place == tmp_path / "deep" / ".out.partial" and (again / "chunk").exists()
    assert not out.exists()


def test_a_planted_link_is_refused(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / ".out.partial").symlink_to("elsewhere")
    with pytest.raises(UserError, match=r"\.out\.partial: is a link"), staging(tmp_path / "out", "is taken"):
        pass
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_what_is_left_is_removed_but_not_what_is_in_use(tmp_path):
    with staging(tmp_path / "out", "is taken") as place:
        (place / "chunk").touch()
        remove_staging(tmp_path / "out")
        assert (place / "chunk").exists()
    remove_staging(tmp_path / "out")
    remove_staging(tmp_path / "out")
    assert list(tmp_path.iterdir()) == []
