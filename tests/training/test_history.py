import math

import pytest

from keras_deid.errors import UserError
from keras_deid.training.history import History


def row(epoch, **values):
    return {"epoch": float(epoch), **values}


def test_a_line_an_epoch(tmp_path):
    path = tmp_path / "history.csv"
    history = History(path, first_epoch=1)
    history.append(row(1, l1=0.5))
    assert path.read_text() == "epoch,l1\n1.0,0.5\n"
    history.append(row(2, l1=0.25))
    assert path.read_text() == "epoch,l1\n1.0,0.5\n2.0,0.25\n"
    assert [file.name for file in tmp_path.iterdir()] == ["history.csv"]


def test_continues_what_is_there(tmp_path):
    path = tmp_path / "history.csv"
    before = History(path, first_epoch=1)
    for epoch in (1, 2, 3):
        before.append(row(epoch, l1=1 / 3 / epoch))
    again = History(path, first_epoch=4)
    assert again.rows == before.rows


def test_forgets_epochs_that_are_trained_again(tmp_path):
    path = tmp_path / "history.csv"
    before = History(path, first_epoch=1)
    for epoch in (1, 2, 3):
        before.append(row(epoch, psnr=float(epoch)))
    again = History(path, first_epoch=2)
    assert again.rows == [row(1, psnr=1.0)]
    assert again.best("psnr") == 1.0
    again.append(row(2, psnr=5.0))
    assert path.read_text() == "epoch,psnr\n1.0,1.0\n2.0,5.0\n"


def test_numbers_that_are_none_come_back(tmp_path):
    path = tmp_path / "history.csv"
    History(path, first_epoch=1).append(row(1, ssim=math.nan))
    assert math.isnan(History(path, first_epoch=2).rows[0]["ssim"])


def test_the_best_so_far(tmp_path):
    history = History(tmp_path / "history.csv", first_epoch=1)
    assert history.best("psnr") == -math.inf
    for epoch, psnr in enumerate((20.0, 22.0, 21.0), start=1):
        history.append(row(epoch, psnr=psnr))
    assert history.best("psnr") == 22.0
    assert history.best("something else") == -math.inf


def test_a_column_may_begin_later(tmp_path):
    # A run may be continued by a later version, which knows more metrics.
    path = tmp_path / "history.csv"
    before = History(path, first_epoch=1)
    before.append(row(1, l1=0.5))
    before.append(row(2, l1=0.25, psnr=20.0))
    assert path.read_text() == "epoch,l1,psnr\n1.0,0.5,\n2.0,0.25,20.0\n"
    again = History(path, first_epoch=3)
    assert again.rows == before.rows
    assert again.best("psnr") == 20.0


@pytest.mark.parametrize("content", [b"l1\n1.0\n", b"epoch,l1\n1.0,low\n", b"\xff\xfe\n", b"epoch\n1,2,3\n"])
def test_a_damaged_file_is_one_line(tmp_path, content):
    path = tmp_path / "history.csv"
    path.write_bytes(content)
    with pytest.raises(UserError, match="history.csv: is not readable as a history of epochs"):
        History(path, first_epoch=5)
