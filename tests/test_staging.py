import pytest

from keras_deid.errors import UserError
from keras_deid.staging import staging


def test_one_at_a_time(tmp_path):
    out = tmp_path / "deep" / "out"
    with staging(out, "is taken; wait") as place:
        (place / "chunk").touch()
        with pytest.raises(UserError, match=r"/out: is taken; wait$"), staging(out, "is taken; wait"):
            pass
    with staging(out, "is taken; wait") as again:
        assert again == place == tmp_path / "deep" / ".out.partial" and (again / "chunk").exists()
    assert not out.exists()
