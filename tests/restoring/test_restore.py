import json
import shutil

import numpy as np
import pytest
from PIL import Image
from PIL.JpegImagePlugin import get_sampling

from keras_deid.data.images import read_image
from keras_deid.errors import UserError
from keras_deid.restoring import pictures
from keras_deid.restoring import restore as restore_module
from keras_deid.restoring.manifest import MANIFEST, Manifest, settings_of
from keras_deid.restoring.model import LocalModel
from keras_deid.restoring.region_sources import Listed, Located
from keras_deid.restoring.restore import restore_file, restore_folder
from keras_deid.restoring.views import VIEWS
from keras_deid.restoring.xmp import SYNTHETIC_PARTS, SYNTHETIC_WHOLE

from .conftest import PICTURES, SIZE, Negative, files_of, random_picture


def test_a_folder_keeps_its_structure_and_its_formats(folder, tmp_path):
    model, seen = Negative(), []
    report = restore_folder(folder, tmp_path / "out", model, None, progress=lambda *counts: seen.append(counts))
    assert (report.restored, report.kept, len(report.broken)) == (PICTURES + 1, 0, 1)
    assert str(report.broken[0]).startswith(f"{folder / 'broken.jpg'}: broken image")
    expected = {f"sub/{seed:02d}.png" for seed in range(PICTURES)} | {"sub/deep/a.bmp", "sub/deep/a.bmp.xmp", MANIFEST}
    expected |= {"skipped.csv"}  # the broken one
    assert set(files_of(tmp_path / "out")) == expected
    for seed in range(PICTURES):
        np.testing.assert_array_equal(
            read_image(tmp_path / "out" / "sub" / f"{seed:02d}.png"), 255 - random_picture(seed)
        )
    assert model.batches == [32, 5]
    assert seen[-1] == (PICTURES + 2, PICTURES + 2, "restoring")
    manifest = json.loads((tmp_path / "out" / MANIFEST).read_text())
    assert [row["path"] for row in manifest["files"]] == sorted(
        expected - {MANIFEST, "skipped.csv", "sub/deep/a.bmp.xmp"}
    )
    assert manifest["settings"]["model"] == "negative" and manifest["synthetic"] is True


def test_an_interrupted_call_continues_to_the_same_end(folder, tmp_path, monkeypatch):
    restore_folder(folder, tmp_path / "in_one_go", Negative(), None)
    write, written = restore_module.write_work, []

    def write_some(path, *arguments):
        if len(written) == 7:
            raise KeyboardInterrupt
        written.append(path)
        return write(path, *arguments)

    monkeypatch.setattr(restore_module, "write_work", write_some)
    with pytest.raises(KeyboardInterrupt):
        restore_folder(folder, tmp_path / "out", Negative(), None)
    halfway = files_of(tmp_path / "out")
    assert MANIFEST not in halfway and not [name for name in halfway if ".partial" in name]
    monkeypatch.undo()
    model = Negative()
    with open(tmp_path / "out" / ".manifest.jsonl", "a") as journal:
        journal.write('{"path": "sub/35')  # as a kill tears it
    report = restore_folder(folder, tmp_path / "out", model, None)
    assert (report.kept, report.restored) == (7, 30) and sum(model.batches) == 30
    assert files_of(tmp_path / "out") == files_of(tmp_path / "in_one_go")


def test_what_is_there_is_kept_unless_it_changed(folder, tmp_path):
    restore_folder(folder, tmp_path / "out", Negative(), None)
    before = files_of(tmp_path / "out")
    Image.fromarray(random_picture(99)).save(folder / "sub" / "00.png")
    (tmp_path / "out" / "sub" / "01.png").unlink()
    (tmp_path / "out" / "sub" / "02.png").write_bytes(b"short")
    report = restore_folder(folder, tmp_path / "out", Negative(), None)
    assert (report.kept, report.restored) == (34, 3)
    after = files_of(tmp_path / "out")
    assert {name for name in after if after[name] != before[name]} == {"sub/00.png", MANIFEST}


def test_another_model_needs_another_folder(folder, tmp_path):
    restore_folder(folder, tmp_path / "out", Negative(), None)
    other = Negative()
    other.identity = "1"
    with pytest.raises(UserError, match="another model or other boxes"):
        restore_folder(folder, tmp_path / "out", other, None)


def test_with_boxes_only_the_regions_change(tmp_path):
    (tmp_path / "in").mkdir()
    pictures = {name: random_picture(seed, (60, 80)) for seed, name in enumerate(("a.png", "b.png"))}
    for name, picture in pictures.items():
        Image.fromarray(picture).save(tmp_path / "in" / name)
    (tmp_path / "boxes.csv").write_text("path,x0,y0,x1,y1\na.png,10,20,30,40\na.png,50,5,60,15\n")
    model = Negative()
    report = restore_folder(tmp_path / "in", tmp_path / "out", model, Listed(tmp_path / "boxes.csv"))
    assert model.batches == [VIEWS * 2]  # several views of each region
    assert (report.restored, report.copied, report.kept, report.done) == (1, 1, 0, 2)
    copied = (tmp_path / "out" / "b.png").read_bytes()
    assert copied == (tmp_path / "in" / "b.png").read_bytes()
    restored = read_image(tmp_path / "out" / "a.png")
    outside = np.ones((60, 80), bool)
    outside[20:40, 10:30] = outside[5:15, 50:60] = False
    np.testing.assert_array_equal(restored[outside], pictures["a.png"][outside])
    assert (restored[~outside] != pictures["a.png"][~outside]).any(axis=1).mean() > 0.9
    rows = json.loads((tmp_path / "out" / MANIFEST).read_text())["files"]
    assert [(row["regions"], row["copied"]) for row in rows] == [(2, False), (0, True)]
    assert rows[0]["boxes"] == [[10, 20, 30, 40, 1.0], [50, 5, 60, 15, 1.0]] and rows[1]["boxes"] == []
    assert (
        SYNTHETIC_PARTS.encode() in (tmp_path / "out" / "a.png").read_bytes() and SYNTHETIC_PARTS.encode() not in copied
    )


@pytest.mark.parametrize(
    ("suffix", "tolerance"), [("jpg", 12), ("png", 0), ("webp", 0), ("tif", 0), ("bmp", 0), ("gif", 60)]
)
def test_every_format_is_kept_and_marked(tmp_path, suffix, tolerance):
    smooth = np.linspace(20, 220, SIZE[0] * SIZE[1] * 3).reshape(*SIZE, 3).astype("uint8")
    Image.fromarray(smooth).save(tmp_path / f"in.{suffix}")
    shown = read_image(tmp_path / f"in.{suffix}")
    (tmp_path / "boxes.csv").write_text(f"path,x0,y0,x1,y1\nin.{suffix},1,1,2,2\n")
    for regions, source_type in ((None, SYNTHETIC_WHOLE), (Listed(tmp_path / "boxes.csv"), SYNTHETIC_PARTS)):
        out = tmp_path / f"out.{suffix}"
        restore_file(tmp_path / f"in.{suffix}", out, Negative(), regions, overwrite=True)
        with Image.open(out) as image, Image.open(tmp_path / f"in.{suffix}") as original:
            assert image.format == original.format
        beside = out.with_name(f"{out.name}.xmp")
        marked = beside.read_bytes() if suffix in ("bmp", "gif") else out.read_bytes()
        assert f">{source_type}<".encode() in marked
        expected = 255 - shown if regions is None else shown
        difference = np.abs(read_image(out).astype(int) - expected)
        difference[1:2, 1:2] = 0
        assert np.median(difference) <= tolerance / 4 and (suffix == "gif" or difference.max() <= tolerance)


def test_a_turned_photograph_is_restored_upright_once(tmp_path):
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = 6, "Camera"
    smooth = np.linspace(0, 255, SIZE[0] * SIZE[1] * 3).reshape(*SIZE, 3).astype("uint8")
    turned = np.rot90(smooth)  # what the camera stores; 6 says: turn it clockwise
    Image.fromarray(turned).save(tmp_path / "in.jpg", exif=exif, quality=100, subsampling=0)
    restore_file(tmp_path / "in.jpg", tmp_path / "out.jpg", Negative(), None)
    with Image.open(tmp_path / "out.jpg") as image:
        assert image.size == (SIZE[1], SIZE[0])
        assert 0x0112 not in image.getexif() and image.getexif()[0x010F] == "Camera"
    np.testing.assert_allclose(255 - read_image(tmp_path / "out.jpg").astype(int), smooth, atol=12)


def test_the_exported_model_equals_the_keras_model(base, restore_alone, pictures, tmp_path):
    model = LocalModel(base)
    assert (model.name, model.size, model.context) == ("tiny", SIZE, 2.0)
    expected = np.clip(np.rint((restore_alone(pictures) + 1) * 127.5), 0, 255)
    np.testing.assert_allclose(model.restore(pictures).astype(int), expected, atol=1)
    Image.fromarray(pictures[0]).save(tmp_path / "in.png")
    restore_file(tmp_path / "in.png", tmp_path / "out.png", model, None)
    np.testing.assert_allclose(read_image(tmp_path / "out.png").astype(int), expected[0], atol=1)


@pytest.mark.parametrize("wrong", ["missing", "empty", "no_card", "broken"])
def test_a_folder_without_a_model_is_refused(tmp_path, model, wrong):
    folder = tmp_path / "model"
    if wrong != "missing":
        (folder / "1").mkdir(parents=True)
    if wrong in ("no_card", "broken"):
        (folder / "1" / "saved_model.pb").write_bytes(b"junk")
    if wrong == "broken":
        (folder / "1" / "model_card.json").write_bytes((model / "model_card.json").read_bytes())
    message = {"missing": "no exported model", "broken": "cannot be loaded"}.get(wrong, "not a model card")
    with pytest.raises(UserError, match=message):
        LocalModel(folder)


def test_a_model_that_was_changed_after_its_export_is_said_to_be_a_program(tmp_path, model, caplog):
    shutil.copytree(model, tmp_path / "1")
    LocalModel(tmp_path / "1")
    assert not caplog.records
    path = tmp_path / "1" / "variables" / "added"
    path.write_bytes(b"junk")
    LocalModel(tmp_path / "1")
    (said,) = [record.getMessage() for record in caplog.records]
    assert said.startswith(f"{tmp_path}/1: is not as keras-deid export wrote it; a SavedModel is a program")


@pytest.mark.parametrize(
    "change",
    [{"input": 3}, {"input": {"size": ["a", "b"]}}, {"input": {"size": [1]}}, {"trained_on": []}, {"name": ...}],
    ids=str,
)
def test_a_model_card_that_was_edited_is_refused(tmp_path, model, change):
    folder = tmp_path / "1"
    folder.mkdir()
    (folder / "saved_model.pb").write_bytes(b"junk")
    card = {**json.loads((model / "model_card.json").read_text()), **change}
    card = {key: value for key, value in card.items() if value is not ...}
    (folder / "model_card.json").write_text(json.dumps(card))
    with pytest.raises(UserError, match="model_card.json: missing or not a model card; export the run again"):
        LocalModel(folder)


def test_a_box_outside_is_said_and_the_others_are_restored(tmp_path):
    (tmp_path / "in").mkdir()
    for name in ("a.png", "b.png"):
        Image.fromarray(random_picture(0)).save(tmp_path / "in" / name)
    (tmp_path / "boxes.csv").write_text("path,x0,y0,x1,y1\na.png,90,0,95,5\na.png,1,1,5,5\nb.png,90,0,95,5\n")
    regions = Listed(tmp_path / "boxes.csv")
    report = restore_folder(tmp_path / "in", tmp_path / "out", Negative(), regions)
    assert (report.restored, report.copied, report.broken) == (1, 1, [])
    assert regions.complaints == [
        f"{tmp_path}/boxes.csv:{line}: the box 90,0,95,5 lies outside of {name}, which is 24 x 16 pixels"
        for line, name in ((2, "a.png"), (4, "b.png"))
    ]


def test_refuses_what_cannot_be(folder, tmp_path):
    (tmp_path / "boxes.csv").write_text("path,x0,y0,x1,y1\nother.png,1,1,2,2\n")
    with pytest.raises(UserError, match="lies in the folder of pictures"):
        restore_folder(folder, folder / "out", Negative(), None)
    with pytest.raises(UserError, match="there is no file other.png"):
        restore_folder(folder, tmp_path / "out", Negative(), Listed(tmp_path / "boxes.csv"))
    with pytest.raises(UserError, match="unknown format"):
        restore_file(folder / "sub" / "00.png", tmp_path / "out.xyz", Negative(), None)
    with pytest.raises(UserError, match="is the input"):
        restore_file(folder / "sub" / "00.png", folder / "sub" / "00.png", Negative(), None)
    with pytest.raises(UserError, match="broken image"):
        restore_file(folder / "broken.jpg", tmp_path / "out.jpg", Negative(), None)
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="file: cannot be made a folder .*; choose another place"):
        restore_folder(folder, tmp_path / "file", Negative(), None)


def test_a_folder_with_a_foreign_manifest_is_refused(tmp_path):
    (tmp_path / MANIFEST).write_text("[]")
    with pytest.raises(UserError, match="not a manifest of restored pictures"):
        Manifest(tmp_path, settings_of("negative", "0", None))


def test_a_manifest_of_the_first_version_is_read(folder, tmp_path):
    restore_folder(folder, tmp_path / "out", Negative(), None)
    path = tmp_path / "out" / MANIFEST
    content = json.loads(path.read_text())
    assert content.pop("schema") == 3
    path.write_text(json.dumps({**content, "pictures": content.pop("files")}))
    assert restore_folder(folder, tmp_path / "out", Negative(), None).kept == PICTURES + 1
    path.write_text(json.dumps({**content, "schema": 4}))
    with pytest.raises(UserError, match=r"manifest\.json: was written by a later version \(schema 4\)"):
        restore_folder(folder, tmp_path / "out", Negative(), None)


def smooth_picture(height, width):
    rows, columns = np.mgrid[0:height, 0:width] / 90.0
    waves = [np.sin(rows + phase) + np.cos(columns + phase / 3) for phase in range(3)]
    return np.uint8(np.rint(127.5 + 60 * np.stack(waves, axis=-1)))


@pytest.mark.parametrize("sampling", [0, 1, 2])
def test_a_jpeg_keeps_its_colour_resolution_unless_parts_of_it_stay(tmp_path, sampling):
    Image.fromarray(smooth_picture(60, 80)).save(tmp_path / "in.jpg", subsampling=sampling)
    (tmp_path / "boxes.csv").write_text("path,x0,y0,x1,y1\nin.jpg,10,20,30,40\n")
    restore_file(tmp_path / "in.jpg", tmp_path / "whole.jpg", Negative(), None)
    restore_file(tmp_path / "in.jpg", tmp_path / "part.jpg", Negative(), Listed(tmp_path / "boxes.csv"))
    with Image.open(tmp_path / "whole.jpg") as whole, Image.open(tmp_path / "part.jpg") as part:
        assert (get_sampling(whole), get_sampling(part)) == (sampling, 0)


def test_a_batch_ends_early_when_its_pictures_are_large(folder, tmp_path, monkeypatch):
    monkeypatch.setattr(pictures, "_PIXELS_HELD", 10 * SIZE[0] * SIZE[1])
    model = Negative()
    restore_folder(folder, tmp_path / "out", model, None)
    assert model.batches == [10, 10, 10, 7]


def test_a_picture_in_which_nothing_is_found_is_a_copy(tmp_path):
    Image.fromarray(random_picture(0, (60, 80))).save(tmp_path / "in.jpg", quality=70, comment=b"as it came")
    nothing = Located(lambda picture: np.zeros((picture.shape[0] // 4, picture.shape[1] // 4), np.float32), "abc")
    model = Negative()
    assert restore_file(tmp_path / "in.jpg", tmp_path / "out.jpg", model, nothing) == 0
    assert (tmp_path / "out.jpg").read_bytes() == (tmp_path / "in.jpg").read_bytes() and model.batches == []
    # In another format it is the same picture, and no synthetic one.
    assert restore_file(tmp_path / "in.jpg", tmp_path / "out.png", model, nothing) == 0
    np.testing.assert_array_equal(read_image(tmp_path / "out.png"), read_image(tmp_path / "in.jpg"))
    assert b"digitalsourcetype" not in (tmp_path / "out.png").read_bytes()


def test_what_the_locator_finds_is_restored(tmp_path):
    picture = np.full((64, 96, 3), 10, np.uint8)
    picture[16:32, 32:64], picture[32:48, 32:64] = 225, 250  # not of one flat colour
    Image.fromarray(picture).save(tmp_path / "in.png")
    found = Located(lambda picture: picture[::4, ::4, 0] / np.float32(255), "abc")
    assert restore_file(tmp_path / "in.png", tmp_path / "out.png", Negative(), found) == 1
    restored = read_image(tmp_path / "out.png")
    assert (restored[24:40, 40:56] < 40).all()  # the negative
    outside = np.ones((64, 96), bool)
    outside[4:60, 20:76] = False
    np.testing.assert_array_equal(restored[outside], picture[outside])


def test_a_large_picture_is_not_squeezed_into_a_small_model(tmp_path):
    (tmp_path / "in: put").mkdir()
    for name, size in (("large.png", (65, 80)), ("small.png", SIZE)):
        Image.fromarray(random_picture(0, size)).save(tmp_path / "in: put" / name)
    report = restore_folder(tmp_path / "in: put", tmp_path / "out", Negative(), None)
    assert (report.restored, report.copied) == (1, 0)
    assert [str(error) for error in report.broken] == [
        f"{tmp_path}/in: put/large.png: 80 x 65 pixels would be shrunk 4.1 times for a model of 24 x 16; leave --whole "
        "out, or shrink the picture first"
    ]
    assert not (tmp_path / "out" / "large.png").exists()


def test_other_regions_need_another_folder(folder, tmp_path):
    (folder / "broken.jpg").unlink()
    (tmp_path / "boxes.csv").write_text("path,x0,y0,x1,y1\nsub/00.png,1,1,5,5\n")
    report = restore_folder(folder, tmp_path / "out", Negative(), Listed(tmp_path / "boxes.csv"))
    assert (report.restored, report.copied) == (1, PICTURES)
    settings = json.loads((tmp_path / "out" / MANIFEST).read_text())["settings"]
    assert settings["regions"] == Listed(tmp_path / "boxes.csv").settings
    assert restore_folder(folder, tmp_path / "out", Negative(), Listed(tmp_path / "boxes.csv")).kept == PICTURES + 1
    with pytest.raises(UserError, match="another model or other boxes"):
        restore_folder(folder, tmp_path / "out", Negative(), None)
    (tmp_path / "boxes.csv").write_text("path,x0,y0,x1,y1\nsub/00.png,1,1,5,6\n")
    with pytest.raises(UserError, match="another model or other boxes"):
        restore_folder(folder, tmp_path / "out", Negative(), Listed(tmp_path / "boxes.csv"))
