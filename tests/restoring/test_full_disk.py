"""A disk that is full while something is restored: nothing that counts as done is cut short."""

import numpy as np
import pytest
from PIL import Image

from keras_deid.data.images import read_image, write_png
from keras_deid.errors import UserError
from keras_deid.restoring.region_sources import Listed
from keras_deid.restoring.restore import restore_file, restore_folder

from ..full_disk import full_disk
from .conftest import Negative, files_of, random_picture
from .synthetic_videos import make_video

SUFFIXES = ("jpg", "png", "webp", "bmp", "tif", "gif")
SIDE = 200
ROOM = 20_000
"""Less than what any picture of random pixels takes."""


@pytest.fixture
def noise(tmp_path):
    """Makes a folder with a picture of random pixels."""

    def make(suffix):
        (tmp_path / "in").mkdir()
        Image.fromarray(random_picture(0, (SIDE, SIDE))).save(tmp_path / "in" / f"a.{suffix}")
        (tmp_path / "boxes.csv").write_text(f"path,x0,y0,x1,y1\na.{suffix},10,10,30,30\n")
        return tmp_path / "in", Listed(tmp_path / "boxes.csv")

    return make


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_picture_is_whole_or_not_there(noise, tmp_path, suffix):
    source, regions = noise(suffix)
    out = tmp_path / "out"
    with full_disk(ROOM), pytest.raises(UserError, match="File too large"):
        restore_folder(source, out, Negative(), regions)
    assert not [name for name in files_of(out) if not name.startswith(".manifest") and not name.endswith(".xmp")]
    report = restore_folder(source, out, Negative(), regions)
    assert (report.restored, report.kept) == (1, 0)
    restore_folder(source, tmp_path / "expected", Negative(), regions)
    assert files_of(out) == files_of(tmp_path / "expected")


def test_a_copy_is_whole_or_not_there(noise, tmp_path):
    source, _ = noise("jpg")
    (tmp_path / "none.csv").write_text("path,x0,y0,x1,y1\n")
    none = Listed(tmp_path / "none.csv")
    with full_disk(ROOM), pytest.raises(UserError, match="File too large"):
        restore_file(source / "a.jpg", tmp_path / "out.jpg", Negative(), none)
    assert not (tmp_path / "out.jpg").exists()


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".webm"])
def test_a_video_is_whole_or_not_there(tmp_path, suffix):
    source = make_video(tmp_path / "in.mp4", [random_picture(seed, (64, 96)) for seed in range(12)])
    (tmp_path / "boxes.csv").write_text("path,x0,y0,x1,y1\nin.mp4,10,10,30,30\n")
    boxes = Listed(tmp_path / "boxes.csv")
    with full_disk(ROOM), pytest.raises(UserError, match="make room"):
        restore_file(source, tmp_path / f"out{suffix}", Negative(), boxes)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["boxes.csv", "in.mp4"]


def test_a_png_is_whole_or_the_old_one(tmp_path):
    write_png(tmp_path / "a.png", random_picture(0))
    with full_disk(ROOM), pytest.raises(UserError, match=r"a\.png: cannot be written \(File too large\)"):
        write_png(tmp_path / "a.png", random_picture(1, (SIDE, SIDE)))
    np.testing.assert_array_equal(read_image(tmp_path / "a.png"), random_picture(0))
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]
