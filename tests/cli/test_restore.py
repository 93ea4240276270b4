import os

import numpy as np
import pytest
from PIL import Image

from keras_deid.cli.restore import main
from keras_deid.data.images import read_image
from keras_deid.restoring.region_sources import Listed


class Negative:
    """Gives negatives; its locator marks what is white."""

    name, identity, size, context, adds_detail = "negative", "0", (16, 24), 2.0, False

    def __init__(self, folder, runtime=None):
        self.folder = folder

    def restore(self, pictures):
        return 255 - pictures

    def mark(self, picture):
        return picture[::4, ::4, 0] / np.float32(255)


WHITE = (slice(16, 48), slice(32, 64))
"""Where the photographs of `hidden` are white."""


@pytest.fixture(autouse=True)
def model(monkeypatch):
    monkeypatch.setattr("keras_deid.restoring.model.LocalModel", Negative)


@pytest.fixture
def picture(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (16, 24, 3)).astype("uint8")
    (tmp_path / "in").mkdir()
    Image.fromarray(pixels).save(tmp_path / "in" / "a.png")
    return pixels


def run(source, out, *words):
    return main([*map(str, [source, out, *words]), "--model", "saved_models/tiny"])


@pytest.fixture
def hidden(tmp_path):
    """A folder with a picture that has a white square (not of one flat colour), and one that has none."""
    dark = np.full((64, 96, 3), 10, np.uint8)
    marked = dark.copy()
    marked[16:32, 32:64], marked[32:48, 32:64] = 255, 235
    (tmp_path / "in").mkdir()
    Image.fromarray(marked).save(tmp_path / "in" / "marked.png")
    Image.fromarray(dark).save(tmp_path / "in" / "dark.png")
    return marked


def test_a_folder(picture, tmp_path, capsys):
    assert run(tmp_path / "in", tmp_path / "out", "--whole") == 0
    np.testing.assert_array_equal(read_image(tmp_path / "out" / "a.png"), 255 - picture)
    assert capsys.readouterr().out == f"restored: 1 files, 0 skipped; see {tmp_path / 'out'}\n"
    assert run(tmp_path / "in", tmp_path / "out", "--whole") == 0
    assert "restored: 0 files, 1 were there already, 0 skipped" in capsys.readouterr().out


def test_a_broken_file_is_skipped_and_the_exit_code_says_so(picture, tmp_path, capsys):
    (tmp_path / "in" / "broken.png").write_bytes(b"junk")
    assert run(tmp_path / "in", tmp_path / "out", "--whole") == 1
    printed = capsys.readouterr()
    assert printed.err.startswith(f"skipped: {tmp_path / 'in' / 'broken.png'}: broken image")
    assert (tmp_path / "out" / "a.png").exists()


@pytest.mark.parametrize("out", ["b.png", "folder"])
def test_a_picture_into_a_file_or_a_folder(picture, tmp_path, out):
    (tmp_path / "folder").mkdir()
    assert run(tmp_path / "in" / "a.png", tmp_path / out, "--whole") == 0
    written = tmp_path / "b.png" if out == "b.png" else tmp_path / "folder" / "a.png"
    np.testing.assert_array_equal(read_image(written), 255 - picture)


def test_boxes(picture, tmp_path):
    (tmp_path / "boxes.csv").write_text("path,x0,y0,x1,y1\na.png,2,2,8,8\n")
    assert run(tmp_path / "in", tmp_path / "out", "--boxes", tmp_path / "boxes.csv") == 0
    restored = read_image(tmp_path / "out" / "a.png")
    np.testing.assert_array_equal(restored[:, 8:], picture[:, 8:])
    assert (restored[2:8, 2:8] != picture[2:8, 2:8]).any()


def test_boxes_outside_are_said_and_the_others_restored(picture, tmp_path, capsys):
    (tmp_path / "boxes.csv").write_text("path,x0,y0,x1,y1\na.png,30,2,38,8\na.png,2,2,8,8\n")
    for source, out in (("in", "out"), ("in/a.png", "out.png")):
        assert run(tmp_path / source, tmp_path / out, "--boxes", tmp_path / "boxes.csv") == 1
        said = f"skipped: {tmp_path}/boxes.csv:2: the box 30,2,38,8 lies outside of a.png, which is 24 x 16 pixels\n"
        assert capsys.readouterr().err == said
    for out in ("out/a.png", "out.png"):
        assert (read_image(tmp_path / out)[2:8, 2:8] != picture[2:8, 2:8]).any()


def test_names_that_are_no_text_or_have_spaces_backslashes_and_colons(tmp_path, capsys):
    names = [os.fsdecode(b"caf\xe9.png"), " a.png", "back\\slash.png", "12:30.png", "cafe\u0301.png"]
    (tmp_path / "in").mkdir()
    for number, name in enumerate(names):
        pixels = np.full((64, 96, 3), 10, np.uint8)
        pixels[16:32, 32:64], pixels[32:48, 32:64] = 255, 235 - number
        Image.fromarray(pixels).save(tmp_path / "in" / name)
    assert run(tmp_path / "in", tmp_path / "out") == 0
    assert sorted(os.listdir(tmp_path / "out")) == sorted([*names, "manifest.json"])
    rows = "".join(f"{name},32,16,64,48\n" for name in names)
    (tmp_path / "boxes.csv").write_bytes(b"path,x0,y0,x1,y1\n" + os.fsencode(rows))
    assert run(tmp_path / "in", tmp_path / "boxed", "--boxes", tmp_path / "boxes.csv") == 0
    for name in names:
        assert (read_image(tmp_path / "boxed" / name)[24:40, 40:56] <= 40).all()
    assert run(tmp_path / "in" / names[0], tmp_path / os.fsdecode(b"\xe9.png"), "--whole") == 0
    assert (tmp_path / os.fsdecode(b"\xe9.png")).is_file()


def test_find_writes_names_that_are_no_text(hidden, tmp_path, monkeypatch):
    monkeypatch.setattr("keras_deid.restoring.run_locator.RunLocator", Negative)
    name = os.fsdecode(b"caf\xe9.png")
    (tmp_path / "in" / "marked.png").rename(tmp_path / "in" / name)
    assert main([str(tmp_path / "in"), "--find", str(tmp_path / "found.csv"), "--locator", "mine"]) == 0
    assert b"\ncaf\xe9.png," in (tmp_path / "found.csv").read_bytes()
    assert run(tmp_path / "in", tmp_path / "out", "--boxes", tmp_path / "found.csv") == 0
    assert (read_image(tmp_path / "out" / name)[WHITE][8:24, 8:24] <= 25).all()


def test_without_metadata(picture, tmp_path):
    exif = Image.Exif()
    exif[0x013B] = "A. Photographer"
    Image.fromarray(picture).save(tmp_path / "in" / "a.png", exif=exif)
    (tmp_path / "boxes.csv").write_text("path,x0,y0,x1,y1\na.png,2,2,8,8\n")
    for words, expected in (([], True), (["--strip-metadata"], False)):
        out = tmp_path / f"out{len(words)}"
        assert run(tmp_path / "in", out, "--boxes", tmp_path / "boxes.csv", *words) == 0
        assert (b"Photographer" in (out / "a.png").read_bytes()) == expected


def test_a_missing_input_is_one_line(tmp_path, capsys):
    assert run(tmp_path / "nowhere", tmp_path / "out") == 2
    assert capsys.readouterr().err.startswith(f"error: {tmp_path / 'nowhere'}: does not exist")


def test_a_video(tmp_path, monkeypatch):
    seen = []

    def restore_video(source, out, model, regions, *, keep_words, progress):
        progress(1, 1, source.name)
        seen.append((source, out, model.name, regions and regions.settings))

    monkeypatch.setattr("keras_deid.restoring.restore.restore_video", restore_video)
    (tmp_path / "in.mp4").touch()
    boxes = tmp_path / "boxes.csv"
    boxes.write_text("path,frame,x0,y0,x1,y1\nin.mp4,,1,2,3,4\nin.mp4,5,6,7,8,9\n")
    for words in (["--whole"], ["--boxes", boxes], ["--threshold", "0.6"]):
        assert run(tmp_path / "in.mp4", tmp_path / "out.mp4", *words) == 0
    given = (tmp_path / "in.mp4", tmp_path / "out.mp4", "negative")
    located = {"locator_sha256": "0", "threshold": 0.6}
    assert seen == [(*given, None), (*given, Listed(boxes).settings), (*given, located)]


def test_what_is_found_is_restored_and_the_rest_copied(hidden, tmp_path, capsys):
    assert run(tmp_path / "in", tmp_path / "out") == 0
    said = capsys.readouterr().out
    assert said == f"restored: 1 files, 1 copied (nothing found), 0 skipped; see {tmp_path / 'out'}\n"
    assert (tmp_path / "out" / "dark.png").read_bytes() == (tmp_path / "in" / "dark.png").read_bytes()
    restored = read_image(tmp_path / "out" / "marked.png")
    assert (restored[WHITE][8:24, 8:24] <= 25).all()
    np.testing.assert_array_equal(restored[:, :16], hidden[:, :16])


def test_a_picture_in_which_nothing_is_found_is_said_to_be_a_copy(hidden, tmp_path, capsys):
    assert run(tmp_path / "in" / "dark.png", tmp_path / "out.png") == 0
    assert capsys.readouterr().out.startswith(f"nothing found: {tmp_path / 'out.png'} is a copy of ")
    assert run(tmp_path / "in" / "marked.png", tmp_path / "out.png") == 2
    assert capsys.readouterr().err.endswith("choose another name, or replace it with --overwrite\n")
    assert run(tmp_path / "in" / "marked.png", tmp_path / "out.png", "--overwrite") == 0
    assert capsys.readouterr().out == f"written: {tmp_path / 'out.png'}, regions restored: 1\n"


def test_find_writes_what_boxes_reads(hidden, tmp_path, monkeypatch, capsys):
    class White(Negative):
        identity = "white"

    monkeypatch.setattr("keras_deid.restoring.run_locator.RunLocator", White)
    found, overlays = tmp_path / "found.csv", tmp_path / "overlays"
    words = [tmp_path / "in", "--find", found, "--overlays", overlays, "--locator", "mine"]
    assert main([*map(str, words)]) == 0
    assert capsys.readouterr().out == f"regions found: 1, pictures: 2; written: {found}\n"
    header, row = found.read_text().splitlines()
    assert header == "path,x0,y0,x1,y1,score" and row.startswith("marked.png,")
    x0, y0, x1, y1 = map(int, row.split(",")[1:5])
    assert 24 <= x0 <= 32 and 8 <= y0 <= 16 and 64 <= x1 <= 72 and 48 <= y1 <= 56
    assert [path.name for path in overlays.iterdir()] == ["marked.png.png"]
    assert (read_image(overlays / "marked.png.png") != hidden).any()
    assert run(tmp_path / "in", tmp_path / "out", "--boxes", found) == 0
    assert (read_image(tmp_path / "out" / "marked.png")[WHITE][8:24, 8:24] <= 25).all()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["a.png"], "Missing OUTPUT"),
        (["a.png", "b.png", "--find", "c.csv"], "--find writes no OUTPUT"),
        (["a.png", "b.png", "--overlays", "c"], "--overlays needs --find"),
        (["a.png", "b.png", "--whole", "--threshold", "0.5"], "nothing is looked for"),
        (["a.png", "b.png", "--threshold", "1.5"], "is not in the range"),
    ],
)
def test_a_wrong_command_line(words, message, capsys):
    assert main(words) == 2
    assert message in capsys.readouterr().err


def test_a_server_in_place_of_a_model(picture, tmp_path, monkeypatch):
    monkeypatch.setattr("keras_deid.serving.client.RestModel", Negative)
    words = [tmp_path / "in", tmp_path / "out", "--whole", "--url", "http://host:8501/v1/models/tiny"]
    assert main([*map(str, words)]) == 0
    np.testing.assert_array_equal(read_image(tmp_path / "out" / "a.png"), 255 - picture)
