"""What cannot be used."""

import shutil

import pytest
from PIL import Image

from keras_deid.errors import UserError
from keras_deid.preparation.photographs import find_photographs
from keras_deid.preparation.prepare import prepare

from .conftest import BOX, HEIGHT, WIDTH, contents, draw, person_mask, skipped, traces


def test_broken_photographs_are_reported_and_skipped(photos, out, monkeypatch):
    (photos.folder / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 no more")
    (photos.folder / "empty.png").touch()
    monkeypatch.setattr("keras_deid.data.images.PIXEL_LIMIT", HEIGHT * WIDTH)
    Image.fromarray(draw(0, HEIGHT, WIDTH + 1)).save(photos.folder / "large.png")
    photos.list_boxes({name: [BOX] for name in [*photos.names, "broken.jpg", "empty.png", "large.png"]})
    dataset = photos.prepare(out)
    assert sum(dataset.counts.values()) == 20
    reasons = skipped(out)
    assert list(reasons) == ["broken.jpg", "empty.png", "large.png"]
    assert reasons["broken.jpg"].startswith("broken image: ")
    assert reasons["large.png"].startswith("too large (161 x 120")
    assert dataset.description["skipped"] == {"broken image": 2, "too large": 1}


def test_masks_that_do_not_fit_are_reported(photos, out):
    Image.fromarray(person_mask()[:-1]).save(photos.masks / "002.png")
    (photos.masks / "004.png").write_bytes(b"no picture")
    photos.prepare(out)
    assert skipped(out) == {
        "002.png": "person mask does not fit (160 x 119 pixels; the photograph 160 x 120)",
        "004.png": "person mask cannot be used (broken image: not a picture of a known kind)",
    }


def refused(photos, out, message, **settings):
    with pytest.raises(UserError, match=message) as caught:
        photos.prepare(out, **settings)
    assert "\n" not in str(caught.value)
    assert not out.exists() and traces(out) == []


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"region": "faces"}, "region: input should be 'face' or 'photo', received 'faces'"),
        ({"context": 0.9}, "context: input should be greater than or equal to 1, received 0.9"),
        ({"context": float("nan")}, "context: input should be"),
        ({"context": float("inf")}, "context: input should be a finite number"),
        ({"size": 15}, "size: input should be greater than or equal to 16, received 15"),
        ({"size": 4097}, "size: input should be less than or equal to 4096"),
        ({"size": 32.5}, "size: input should be a valid integer"),
        ({"off_centre": 1.1}, "off_centre: input should be less than or equal to 1"),
        ({"off_centre": -0.1}, "off_centre: input should be greater than or equal to 0"),
        ({"min_face": 0}, "min_face: input should be greater than 0"),
        ({"min_score": 1}, "min_score: input should be less than 1"),
        ({"min_score": 0}, "min_score: input should be greater than 0"),
        ({"val_fraction": -0.1}, "val_fraction: input should be greater than or equal to 0"),
        (
            {"val_fraction": 0.5, "test_fraction": 0.5},
            "val_fraction . test_fraction should be less than 1, .*; received 0.5 . 0.5",
        ),
        ({"workers": 0}, "workers: expected a whole number >= 1"),
        ({"boxes": "missing.csv"}, "missing.csv: cannot be read"),
        ({"masks": "missing"}, "missing: does not exist"),
    ],
)
def test_settings_that_cannot_be(photos, out, settings, message):
    refused(photos, out, message, **settings)


def test_folders_without_photographs(photos, tmp_path, out):
    with pytest.raises(UserError, match="missing: does not exist"):
        prepare(tmp_path / "missing", out)
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match="empty: no picture in it"):
        prepare(tmp_path / "empty", out)
    assert not out.exists() and traces(out) == []


def test_out_among_the_photographs(photos):
    refused(photos, photos.folder / "out", "lies in the folder of photographs")


def test_masks_among_the_photographs(photos, out):
    shutil.move(photos.masks, photos.folder / "masks")
    refused(photos, out, "masks: lies in the folder of photographs", masks=photos.folder / "masks")


def test_masks_of_other_photographs(photos, out, tmp_path):
    (tmp_path / "others").mkdir()
    Image.fromarray(person_mask()).save(tmp_path / "others/x.png")
    refused(
        photos, out, r"no mask has the name of a photograph; expected for instance 001.png", masks=tmp_path / "others"
    )


@pytest.mark.parametrize(
    ("boxes_of", "message"),
    [
        ({"001.png": [BOX], "x.png": [BOX]}, r"boxes.csv:3: there is no photograph x.png"),
    ],
)
def test_boxes_that_do_not_fit(photos, out, boxes_of, message):
    photos.list_boxes(boxes_of)
    refused(photos, out, message)


def test_boxes_beyond_a_photograph_are_cut_off_and_those_outside_are_said(photos, out, caplog):
    photos.list_boxes({"001.png": [(100, 30, 200, 70), (160, 30, 190, 70)], "002.png": [(-30, -5, 0, 40)]})
    found = find_photographs(photos.folder, out, photos.boxes, None)
    assert {photo.name: photo.boxes for photo in found if photo.boxes} == {"001.png": ((100, 30, 160, 70),)}
    said = [record.getMessage() for record in caplog.records]
    assert said == [
        f"skipped: {photos.boxes}:3: the box 160,30,190,70 lies outside of 001.png, which is 160 x 120 pixels",
        f"skipped: {photos.boxes}:4: the box -30,-5,0,40 lies outside of 002.png, which is 160 x 120 pixels",
    ]


def test_no_photograph_gives_an_example(photos, out):
    photos.list_boxes({"001.png": [(10, 10, 20, 20)]})
    refused(photos, out, "none of the 20 photographs gives an example: 19 x no face listed, 1 x face too small")


def test_out_that_is_something_else(photos, out):
    out.mkdir()
    (out / "thesis.txt").write_text("ten years")
    for overwrite in (False, True):
        with pytest.raises(UserError, match="is not a prepared data set; choose another folder"):
            photos.prepare(out, overwrite=overwrite)
    assert contents(out) == {"thesis.txt": b"ten years"}


def test_out_that_cannot_be_written(photos, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="file.*: cannot be made a folder .*; choose another place"):
        photos.prepare(tmp_path / "file/out")


def test_an_empty_folder_is_filled(photos, out):
    out.mkdir()
    assert sum(photos.prepare(out).counts.values()) == 20
