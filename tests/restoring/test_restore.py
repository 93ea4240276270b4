import json
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from PIL import Image
from PIL.JpegImagePlugin import get_sampling

from keras_deid.data.images import read_image
from keras_deid.errors import UserError
from keras_deid.restoring import restore as restore_module
from keras_deid.restoring.manifest import MANIFEST, Manifest, settings_of
from keras_deid.restoring.model import LocalModel
from keras_deid.restoring.picture_files import SYNTHETIC_PARTS, SYNTHETIC_WHOLE, open_picture
from keras_deid.restoring.regions import cut_out, whole_picture
from keras_deid.restoring.restore import restore_folder, restore_picture

from .conftest import SIZE, Negative, files_of

PICTURES = 36


def random_picture(seed, size=SIZE):
    return np.random.default_rng(seed).integers(0, 256, (*size, 3)).astype("uint8")


@pytest.fixture
def folder(tmp_path):
    """Pictures of the model's size in two folders, one of them broken."""
    source = tmp_path / "in"
    (source / "sub" / "deep").mkdir(parents=True)
    for seed in range(PICTURES):
        Image.fromarray(random_picture(seed)).save(source / "sub" / f"{seed:02d}.png")
    Image.fromarray(random_picture(PICTURES)).save(source / "sub" / "deep" / "a.bmp")
    (source / "broken.jpg").write_bytes(b"\xff\xd8\xff junk")
    return source


def test_a_folder_keeps_its_structure_and_its_formats(folder, tmp_path):
    model, seen = Negative(), []
    report = restore_folder(folder, tmp_path / "out", model, progress=lambda *counts: seen.append(counts))
    assert (report.restored, report.kept, len(report.broken)) == (PICTURES + 1, 0, 1)
    assert str(report.broken[0]).startswith(f"{folder / 'broken.jpg'}: broken image")
    expected = {f"sub/{seed:02d}.png" for seed in range(PICTURES)} | {"sub/deep/a.bmp", "sub/deep/a.bmp.xmp", MANIFEST}
    assert set(files_of(tmp_path / "out")) == expected
    for seed in range(PICTURES):
        np.testing.assert_array_equal(
            read_image(tmp_path / "out" / "sub" / f"{seed:02d}.png"), 255 - random_picture(seed)
        )
    assert model.batches == [32, 5]
    assert seen[-1] == (PICTURES + 2, PICTURES + 2, "restoring")
    manifest = json.loads((tmp_path / "out" / MANIFEST).read_text())
    assert [row["path"] for row in manifest["files"]] == sorted(expected - {MANIFEST, "sub/deep/a.bmp.xmp"})
    assert manifest["settings"]["model"] == "negative" and manifest["synthetic"] is True


def test_an_interrupted_call_continues_to_the_same_end(folder, tmp_path, monkeypatch):
    restore_folder(folder, tmp_path / "in_one_go", Negative())
    write, written = restore_module.write_picture, []

    def write_some(path, *arguments):
        if len(written) == 7:
            raise KeyboardInterrupt
        written.append(path)
        write(path, *arguments)

    monkeypatch.setattr(restore_module, "write_picture", write_some)
    with pytest.raises(KeyboardInterrupt):
        restore_folder(folder, tmp_path / "out", Negative())
    halfway = files_of(tmp_path / "out")
    assert MANIFEST not in halfway and not [name for name in halfway if ".partial" in name]
    monkeypatch.undo()
    model = Negative()
    with open(tmp_path / "out" / ".manifest.jsonl", "a") as journal:
        journal.write('{"path": "sub/35')  # as a kill tears it
    report = restore_folder(folder, tmp_path / "out", model)
    assert (report.kept, report.restored) == (7, 30) and sum(model.batches) == 30
    assert files_of(tmp_path / "out") == files_of(tmp_path / "in_one_go")


def test_what_is_there_is_kept_unless_it_changed(folder, tmp_path):
    restore_folder(folder, tmp_path / "out", Negative())
    before = files_of(tmp_path / "out")
    Image.fromarray(random_picture(99)).save(folder / "sub" / "00.png")
    (tmp_path / "out" / "sub" / "01.png").unlink()
    (tmp_path / "out" / "sub" / "02.png").write_bytes(b"short")
    report = restore_folder(folder, tmp_path / "out", Negative())
    assert (report.kept, report.restored) == (34, 3)
    after = files_of(tmp_path / "out")
    assert {name for name in after if after[name] != before[name]} == {"sub/00.png", MANIFEST}


def test_another_model_needs_another_folder(folder, tmp_path):
    restore_folder(folder, tmp_path / "out", Negative())
    other = Negative()
    other.identity = "1"
    with pytest.raises(UserError, match="another model or other boxes"):
        restore_folder(folder, tmp_path / "out", other)


def test_with_boxes_only_the_regions_change(tmp_path):
    (tmp_path / "in").mkdir()
    pictures = {name: random_picture(seed, (60, 80)) for seed, name in enumerate(("a.png", "b.png"))}
    for name, picture in pictures.items():
        Image.fromarray(picture).save(tmp_path / "in" / name)
    (tmp_path / "boxes.csv").write_text("path,x0,y0,x1,y1\na.png,10,20,30,40\na.png,50,5,60,15\n")
    model = Negative()
    restore_folder(tmp_path / "in", tmp_path / "out", model, boxes=tmp_path / "boxes.csv")
    assert model.batches == [2]
    np.testing.assert_array_equal(read_image(tmp_path / "out" / "b.png"), pictures["b.png"])
    restored = read_image(tmp_path / "out" / "a.png")
    outside = np.ones((60, 80), bool)
    outside[20:40, 10:30] = outside[5:15, 50:60] = False
    np.testing.assert_array_equal(restored[outside], pictures["a.png"][outside])
    assert (restored[~outside] != pictures["a.png"][~outside]).any(axis=1).mean() > 0.9
    rows = json.loads((tmp_path / "out" / MANIFEST).read_text())["files"]
    assert [row["regions"] for row in rows] == [2, 0]


@pytest.mark.parametrize(
    ("suffix", "tolerance"), [("jpg", 12), ("png", 0), ("webp", 0), ("tif", 0), ("bmp", 0), ("gif", 60)]
)
def test_every_format_is_kept_and_marked(tmp_path, suffix, tolerance):
    smooth = np.linspace(20, 220, SIZE[0] * SIZE[1] * 3).reshape(*SIZE, 3).astype("uint8")
    Image.fromarray(smooth).save(tmp_path / f"in.{suffix}")
    shown = read_image(tmp_path / f"in.{suffix}")
    for boxes, source_type in ((None, SYNTHETIC_WHOLE), (tmp_path / "boxes.csv", SYNTHETIC_PARTS)):
        (tmp_path / "boxes.csv").write_text(f"path,x0,y0,x1,y1\nin.{suffix},1,1,2,2\n")
        out = tmp_path / f"out.{suffix}"
        restore_picture(tmp_path / f"in.{suffix}", out, Negative(), boxes=boxes)
        with Image.open(out) as image, Image.open(tmp_path / f"in.{suffix}") as original:
            assert image.format == original.format
        beside = out.with_name(f"{out.name}.xmp")
        marked = beside.read_bytes() if suffix in ("bmp", "gif") else out.read_bytes()
        assert f">{source_type}<".encode() in marked
        expected = 255 - shown if boxes is None else shown
        difference = np.abs(read_image(out).astype(int) - expected)
        difference[1:2, 1:2] = 0
        assert np.median(difference) <= tolerance / 4 and (suffix == "gif" or difference.max() <= tolerance)


def test_a_turned_photograph_is_restored_upright_once(tmp_path):
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = 6, "Camera"
    smooth = np.linspace(0, 255, SIZE[0] * SIZE[1] * 3).reshape(*SIZE, 3).astype("uint8")
    turned = np.rot90(smooth)  # what the camera stores; 6 says: turn it clockwise
    Image.fromarray(turned).save(tmp_path / "in.jpg", exif=exif, quality=100, subsampling=0)
    restore_picture(tmp_path / "in.jpg", tmp_path / "out.jpg", Negative())
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
    restore_picture(tmp_path / "in.png", tmp_path / "out.png", model)
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


@pytest.mark.parametrize(("box", "message"), [("90,0,95,5", "lies outside of its 24 x 16 pixels"), ("1,1,5,5", None)])
def test_a_box_that_does_not_fit_spoils_its_picture_only(tmp_path, box, message):
    (tmp_path / "in").mkdir()
    for name in ("a.png", "b.png"):
        Image.fromarray(random_picture(0)).save(tmp_path / "in" / name)
    (tmp_path / "boxes.csv").write_text(f"path,x0,y0,x1,y1\na.png,{box}\n")
    report = restore_folder(tmp_path / "in", tmp_path / "out", Negative(), boxes=tmp_path / "boxes.csv")
    assert (tmp_path / "out" / "b.png").exists()
    assert [message in str(error) for error in report.broken] == ([True] if message else [])


def test_refuses_what_cannot_be(folder, tmp_path):
    (tmp_path / "boxes.csv").write_text("path,x0,y0,x1,y1\nother.png,1,1,2,2\n")
    with pytest.raises(UserError, match="lies in the folder of pictures"):
        restore_folder(folder, folder / "out", Negative())
    with pytest.raises(UserError, match="there is no file other.png"):
        restore_folder(folder, tmp_path / "out", Negative(), boxes=tmp_path / "boxes.csv")
    with pytest.raises(UserError, match="unknown format"):
        restore_picture(folder / "sub" / "00.png", tmp_path / "out.xyz", Negative())
    with pytest.raises(UserError, match="is the picture itself"):
        restore_picture(folder / "sub" / "00.png", folder / "sub" / "00.png", Negative())
    with pytest.raises(UserError, match="broken image"):
        restore_picture(folder / "broken.jpg", tmp_path / "out.jpg", Negative())
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="choose another folder"):
        restore_folder(folder, tmp_path / "file", Negative())


def test_a_folder_with_a_foreign_manifest_is_refused(tmp_path):
    (tmp_path / MANIFEST).write_text("[]")
    with pytest.raises(UserError, match="not a manifest of restored pictures"):
        Manifest(tmp_path, settings_of("negative", "0", None))


def test_a_manifest_of_the_first_version_is_read(folder, tmp_path):
    restore_folder(folder, tmp_path / "out", Negative())
    path = tmp_path / "out" / MANIFEST
    content = json.loads(path.read_text())
    assert content.pop("schema") == 2
    path.write_text(json.dumps({**content, "pictures": content.pop("files")}))
    assert restore_folder(folder, tmp_path / "out", Negative()).kept == PICTURES + 1
    path.write_text(json.dumps({**content, "schema": 3}))
    with pytest.raises(UserError, match=r"manifest\.json: was written by a later version \(schema 3\)"):
        restore_folder(folder, tmp_path / "out", Negative())


def smooth_picture(height, width):
    rows, columns = np.mgrid[0:height, 0:width] / 90.0
    waves = [np.sin(rows + phase) + np.cos(columns + phase / 3) for phase in range(3)]
    return np.uint8(np.rint(127.5 + 60 * np.stack(waves, axis=-1)))


@pytest.mark.parametrize("orientation", [1, 6])
def test_a_large_jpeg_is_decoded_no_finer_than_the_model_needs(tmp_path, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(smooth_picture(803, 1201)).save(tmp_path / "in.jpg", quality=95, exif=exif)
    size = (803, 1201) if orientation == 1 else (1201, 803)
    small, full = open_picture(tmp_path / "in.jpg", 4 * max(SIZE)), open_picture(tmp_path / "in.jpg")
    assert small.size == full.size == full.pixels.shape[:2] == size
    assert small.pixels.shape == (round(size[0] / 8), round(size[1] / 8), 3)
    part = whole_picture(size, SIZE)
    seen = [cut_out(opened.pixels, part, SIZE).astype(int) for opened in (small, full)]
    assert np.abs(seen[0] - seen[1]).mean() < 1
    restore_picture(tmp_path / "in.jpg", tmp_path / "out.jpg", Negative())
    assert read_image(tmp_path / "out.jpg").shape == (*size, 3)


@pytest.mark.parametrize("sampling", [0, 1, 2])
def test_a_jpeg_keeps_its_colour_resolution_unless_parts_of_it_stay(tmp_path, sampling):
    Image.fromarray(smooth_picture(60, 80)).save(tmp_path / "in.jpg", subsampling=sampling)
    (tmp_path / "boxes.csv").write_text("path,x0,y0,x1,y1\nin.jpg,10,20,30,40\n")
    restore_picture(tmp_path / "in.jpg", tmp_path / "whole.jpg", Negative())
    restore_picture(tmp_path / "in.jpg", tmp_path / "part.jpg", Negative(), boxes=tmp_path / "boxes.csv")
    with Image.open(tmp_path / "whole.jpg") as whole, Image.open(tmp_path / "part.jpg") as part:
        assert (get_sampling(whole), get_sampling(part)) == (sampling, 0)


def test_a_batch_ends_early_when_its_pictures_are_large(folder, tmp_path, monkeypatch):
    monkeypatch.setattr(restore_module, "_PIXELS_HELD", 10 * SIZE[0] * SIZE[1])
    model = Negative()
    restore_folder(folder, tmp_path / "out", model)
    assert model.batches == [10, 10, 10, 7]


# The command in a process of its own, with a model that takes its time; its arguments are those of the command.
CHILD = """
import sys, time
import keras_deid.cli.restore, keras_deid.restoring.model

class Slow:
    name, identity, size, context = "negative", "0", (16, 24), 2.0
    def __init__(self, folder):
        pass
    def restore(self, pictures):
        time.sleep(0.05)
        return 255 - pictures

keras_deid.restoring.model.LocalModel = Slow
keras_deid.cli.restore.start_tensorflow = lambda: None
import keras_deid.restoring.parts as parts
parts.BATCH_SIZE = 1
sys.exit(keras_deid.cli.restore.main())
"""


def start(source, out):
    words = [sys.executable, "-c", CHILD, str(source), "--out", str(out), "--model", "none"]
    return subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


def outputs(folder):
    return [path for path in folder.rglob("*") if path.is_file() and not path.name.startswith(".")]


def stopped_once(source, out, there, number):
    """Runs the command until so many outputs are there, and sends it a signal; returns exit code and messages."""
    with start(source, out) as process:
        deadline = time.monotonic() + 60
        while len(outputs(out)) < there and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.002)
        process.send_signal(number)
        return process.wait(), process.stderr.read()


def test_killed_again_and_again_it_comes_to_the_same_end(folder, tmp_path):
    (folder / "broken.jpg").unlink()
    restore_folder(folder, tmp_path / "in_one_go", Negative())
    whole = files_of(tmp_path / "in_one_go")
    out = tmp_path / "out"
    for there, number, code in (
        (1, signal.SIGKILL, -signal.SIGKILL),
        (9, signal.SIGTERM, 143),
        (17, signal.SIGINT, 130),
        (30, signal.SIGKILL, -signal.SIGKILL),
    ):
        ended, said = stopped_once(folder, out, there, number)
        assert ended == code and said == ("interrupted\n" if number == signal.SIGINT else "")
        halfway = files_of(out)
        assert MANIFEST not in halfway
        assert all(halfway[name] == whole[name] for name in halfway if not name.rpartition("/")[2].startswith("."))
        hidden = [name for name in halfway if name.rpartition("/")[2].startswith(".")]
        assert number == signal.SIGKILL or hidden == [".manifest.jsonl"]
    model = Negative()
    report = restore_folder(folder, out, model)
    assert report.kept >= 28 and sum(model.batches) == report.restored == PICTURES + 1 - report.kept
    assert files_of(out) == whole
