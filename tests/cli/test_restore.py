import numpy as np
import pytest
from PIL import Image

from keras_deid.cli.restore import main
from keras_deid.data.images import read_image


class Negative:
    name, identity, size, context = "negative", "0", (16, 24), 2.0

    def __init__(self, folder):
        self.folder = folder

    def restore(self, pictures):
        return 255 - pictures


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
    return main([*map(str, [source, "--out", out, *words]), "--model", "saved_models/tiny"])


def test_a_folder(picture, tmp_path, capsys):
    assert run(tmp_path / "in", tmp_path / "out") == 0
    np.testing.assert_array_equal(read_image(tmp_path / "out" / "a.png"), 255 - picture)
    assert capsys.readouterr().out == f"restored: 1 files, 0 skipped; see {tmp_path / 'out'}\n"
    assert run(tmp_path / "in", tmp_path / "out") == 0
    assert "restored: 0 files, 1 were there already, 0 skipped" in capsys.readouterr().out


def test_a_broken_file_is_skipped_and_the_exit_code_says_so(picture, tmp_path, capsys):
    (tmp_path / "in" / "broken.png").write_bytes(b"junk")
    assert run(tmp_path / "in", tmp_path / "out") == 1
    printed = capsys.readouterr()
    assert printed.err.startswith(f"skipped: {tmp_path / 'in' / 'broken.png'}: broken image")
    assert (tmp_path / "out" / "a.png").exists()


@pytest.mark.parametrize("out", ["b.png", "folder"])
def test_a_picture_into_a_file_or_a_folder(picture, tmp_path, out):
    (tmp_path / "folder").mkdir()
    assert run(tmp_path / "in" / "a.png", tmp_path / out) == 0
    written = tmp_path / "b.png" if out == "b.png" else tmp_path / "folder" / "a.png"
    np.testing.assert_array_equal(read_image(written), 255 - picture)


def test_boxes(picture, tmp_path):
    (tmp_path / "boxes.csv").write_text("path,x0,y0,x1,y1\na.png,2,2,8,8\n")
    assert run(tmp_path / "in", tmp_path / "out", "--boxes", tmp_path / "boxes.csv") == 0
    restored = read_image(tmp_path / "out" / "a.png")
    np.testing.assert_array_equal(restored[:, 8:], picture[:, 8:])
    assert (restored[2:8, 2:8] != picture[2:8, 2:8]).any()


def test_a_missing_input_is_one_line(tmp_path, capsys):
    assert run(tmp_path / "nowhere", tmp_path / "out") == 2
    assert capsys.readouterr().err.startswith(f"error: {tmp_path / 'nowhere'}: does not exist")


def test_a_video(tmp_path, monkeypatch, capsys):
    seen = []

    def restore_video(source, out, model, *, boxes, progress):
        progress(1, 1, source.name)
        seen.append((source, out, model.name, boxes))

    monkeypatch.setattr("keras_deid.restoring.restore.restore_video", restore_video)
    (tmp_path / "in.mp4").touch()
    assert run(tmp_path / "in.mp4", tmp_path / "out.mp4") == 0
    (tmp_path / "boxes.csv").write_text("path,frame,x0,y0,x1,y1\nin.mp4,,1,2,3,4\nin.mp4,5,6,7,8,9\n")
    assert run(tmp_path / "in.mp4", tmp_path / "out.mp4", "--boxes", tmp_path / "boxes.csv") == 0
    boxes = (2, (1, 2, 3, 4), None), (3, (6, 7, 8, 9), 5)
    given = (tmp_path / "in.mp4", tmp_path / "out.mp4", "negative")
    assert seen == [(*given, None), (*given, boxes)]


def test_a_server_in_place_of_a_model(picture, tmp_path, monkeypatch):
    monkeypatch.setattr("keras_deid.serving.client.RestModel", Negative)
    words = [tmp_path / "in", "--out", tmp_path / "out", "--url", "http://host:8501/v1/models/tiny"]
    assert main([*map(str, words)]) == 0
    np.testing.assert_array_equal(read_image(tmp_path / "out" / "a.png"), 255 - picture)
