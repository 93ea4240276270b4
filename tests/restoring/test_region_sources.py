from pathlib import Path

import numpy as np
import pytest

from keras_deid.data.images import ImageError
from keras_deid.errors import UserError
from keras_deid.restoring.found import given_region
from keras_deid.restoring.region_sources import Listed, Located

PICTURE = np.zeros((100, 200, 3), np.uint8)


@pytest.fixture
def listed(tmp_path):
    """Writes a CSV file and opens it."""

    def write(*lines, header="path,x0,y0,x1,y1,frame"):
        (tmp_path / "boxes.csv").write_text("\n".join([header, *lines]) + "\n")
        return Listed(tmp_path / "boxes.csv")

    return write


def boxes_of(source, name, frame=None, picture=PICTURE):
    return [region.box for region in source.regions(name, Path("in") / name, picture, frame)]


# ---- Given regions --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("box", "expected"),
    [
        ((40, 30, 60, 50), (40, 30, 60, 50)),
        ((40.2, 30.9, 60.5, 50.1), (40, 30, 61, 51)),
        ((-5, -5, 20, 20), (0, 0, 20, 20)),
        ((190, 95, 260.5, 120), (190, 95, 200, 100)),
        ((-9, -9, 999, 999), (0, 0, 200, 100)),
    ],
)
def test_a_given_box_is_covered_by_whole_pixels_of_the_picture(box, expected):
    region = given_region(box, (100, 200))
    assert (region.box, region.score, region.opacity) == (expected, 1.0, None)


@pytest.mark.parametrize("box", [(200, 0, 220, 20), (-20, 0, 0, 20), (10, 100, 10, 120), (10, 10, 10, 20)])
def test_a_given_box_outside_is_refused(box):
    with pytest.raises(ValueError, match=r"Expected a box inside the picture of size \(100, 200\)"):
        given_region(box, (100, 200))


# ---- Listed ---------------------------------------------------------------------------------------------------------


def test_boxes_are_those_of_the_file_name(listed):
    source = listed("a.png,1,2,3,4,", "sub/b.png,5,6,7,8,", "a.png,10,20,30,40,")
    assert boxes_of(source, "a.png") == [(1, 2, 3, 4), (10, 20, 30, 40)]
    assert boxes_of(source, "sub/b.png") == [(5, 6, 7, 8)]
    assert boxes_of(source, "c.png") == []


def test_boxes_of_a_frame_lie_on_top_of_those_of_all_frames(listed):
    source = listed("v.mp4,1,1,5,5,0", "v.mp4,2,2,6,6,", "v.mp4,3,3,7,7,4", "v.mp4,8,8,9,9,")
    everywhere = [(2, 2, 6, 6), (8, 8, 9, 9)]
    assert boxes_of(source, "v.mp4", frame=0) == [*everywhere, (1, 1, 5, 5)]
    assert boxes_of(source, "v.mp4", frame=4) == [*everywhere, (3, 3, 7, 7)]
    assert boxes_of(source, "v.mp4", frame=1) == everywhere


def test_a_box_outside_is_left_out_and_said(listed, tmp_path):
    source = listed("a.png,1,2,3,4,", "a.png,200,2,230.5,4,", "a.png,190,90,230,140,", "b.png,5,-9,9,0,")
    assert boxes_of(source, "a.png") == [(1, 2, 3, 4), (190, 90, 200, 100)]
    assert boxes_of(source, "a.png") == [(1, 2, 3, 4), (190, 90, 200, 100)]
    assert boxes_of(source, "b.png") == []
    assert source.complaints == [
        f"{tmp_path}/boxes.csv:3: the box 200,2,230.5,4 lies outside of a.png, which is 200 x 100 pixels",
        f"{tmp_path}/boxes.csv:5: the box 5,-9,9,0 lies outside of b.png, which is 200 x 100 pixels",
    ]


def test_a_frame_that_a_restored_video_does_not_have_is_said(listed, tmp_path):
    source = listed("v.mp4,1,2,3,4,0", "v.mp4,1,2,3,4,2", "v.mp4,1,2,3,4,", "other.mp4,1,2,3,4,7")
    source.check({name: Path(name) for name in ("v.mp4", "other.mp4")}, ["v.mp4", "other.mp4"])
    for frame in (0, 1):
        boxes_of(source, "v.mp4", frame)
    assert source.complaints == [f"{tmp_path}/boxes.csv:3: v.mp4 has no frame 2"]


def test_a_box_that_is_longer_than_any_square_is_refused(listed):
    source = listed("a.png,0,0,10001,1,")
    with pytest.raises(ImageError, match=r"boxes.csv:2: a box of 10001 x 1 pixels is longer than 10000"):
        source.regions("a.png", Path("in/a.png"), np.zeros((1, 10_001, 3), np.uint8))


@pytest.mark.parametrize(
    ("on_disk", "written"),
    [
        ("a.png", "./a.png"),
        ("sub/a.png", "sub\\a.png"),
        ("sub/a.png", ".//sub/./a.png"),
        ("a.png", " a.png "),
        (" a.png ", " a.png "),
        ("back\\slash.png", "back\\slash.png"),
        ("caf\u00e9.png", "cafe\u0301.png"),
        ("cafe\u0301.png", "caf\u00e9.png"),
        ("12:30.png", "12:30.png"),
    ],
)
def test_a_name_is_found_however_it_is_written(listed, on_disk, written):
    source = listed(f"{written},1,2,3,4,")
    source.check({on_disk: Path(on_disk)}, [])
    assert boxes_of(source, on_disk) == [(1, 2, 3, 4)]


def test_two_names_that_differ_in_their_unicode_form_only_are_told_apart(listed):
    composed, decomposed = "caf\u00e9.png", "cafe\u0301.png"
    source = listed(f"{composed},1,2,3,4,", f"{decomposed},5,6,7,8,")
    source.check({name: Path(name) for name in (composed, decomposed)}, [])
    assert boxes_of(source, composed) == [(1, 2, 3, 4)] and boxes_of(source, decomposed) == [(5, 6, 7, 8)]


def test_a_name_that_is_no_text_is_found(tmp_path):
    (tmp_path / "boxes.csv").write_bytes(b"path,x0,y0,x1,y1\ncaf\xe9.png,1,2,3,4\n")
    source = Listed(tmp_path / "boxes.csv")
    source.check({"caf\udce9.png": Path("caf\udce9.png")}, [])
    assert boxes_of(source, "caf\udce9.png") == [(1, 2, 3, 4)]
    with pytest.raises(UserError, match="boxes.csv: is not UTF-8 text; save the CSV file as UTF-8"):
        source.check({"caf\u00e9.png": Path("caf\u00e9.png")}, [])


def test_boxes_of_no_file_are_refused_with_their_line(listed, tmp_path):
    source = listed("a.png,1,2,3,4,", "other.png,1,2,3,4,")
    with pytest.raises(UserError) as raised:
        source.check({"a.png": Path("in/a.png")}, [])
    assert str(raised.value) == (
        f"{tmp_path}/boxes.csv:3: there is no file other.png; give paths relative to the folder"
    )


def test_frames_of_a_picture_are_refused_with_their_line(listed, tmp_path):
    source = listed("v.mp4,1,2,3,4,7", "a.png,1,2,3,4,", "a.png,1,2,3,4,0")
    names = {"a.png": Path("in/a.png"), "v.mp4": Path("in/v.mp4")}
    with pytest.raises(UserError) as raised:
        source.check(names, ["v.mp4"])
    assert str(raised.value) == f"{tmp_path}/boxes.csv:4: a.png is a picture and has no frames; leave the frame out"
    listed("v.mp4,1,2,3,4,7", "a.png,1,2,3,4,").check(names, ["v.mp4"])


def test_a_file_that_cannot_be_read_is_one_line(tmp_path):
    with pytest.raises(UserError, match=r"missing\.csv: cannot be read"):
        Listed(tmp_path / "missing.csv")


def test_the_settings_stand_for_the_content(listed):
    first = listed("a.png,1,2,3,4,").settings
    assert list(first) == ["boxes_sha256"] and len(first["boxes_sha256"]) == 64
    assert listed("a.png,1,2,3,4,").settings == first != listed("a.png,1,2,3,5,").settings


# ---- Located --------------------------------------------------------------------------------------------------------


def white(picture):
    """Marks what is white."""
    return picture[::4, ::4].min(axis=2) / np.float32(255)


def test_located_regions_are_those_that_the_locator_finds():
    picture = PICTURE.copy()
    picture[20:60, 40:88] = 255
    (region,) = Located(white, "abc").regions("a.png", Path("a.png"), picture)
    x0, y0, x1, y1 = region.box
    assert 30 <= x0 <= 40 and 10 <= y0 <= 20 and 88 <= x1 <= 98 and 60 <= y1 <= 70
    assert Located(white, "abc").regions("a.png", Path("a.png"), PICTURE) == []
    Located(white, "abc").check({"a.png": Path("a.png")}, [])


def test_the_threshold_reaches_the_search():
    picture = PICTURE.copy()
    picture[20:60, 40:88] = 180  # a probability of 0.7
    assert len(Located(white, "abc", 0.6).regions("a.png", Path("a.png"), picture)) == 1
    assert Located(white, "abc", 0.8).regions("a.png", Path("a.png"), picture) == []


def test_the_settings_name_the_locator_and_the_threshold():
    assert Located(white, "abc", 0.7).settings == {"locator_sha256": "abc", "threshold": 0.7}
    assert Located(white, "abc").settings["threshold"] == 0.65


@pytest.mark.parametrize("threshold", [0, 1, -0.5, 1.5, float("nan")])
def test_a_threshold_is_between_0_and_1(threshold):
    with pytest.raises(UserError) as raised:
        Located(white, "abc", threshold)
    assert str(raised.value) == f"threshold: expected a number between 0 and 1, received {threshold}"
