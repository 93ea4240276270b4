import json

import numpy as np
import pytest
from PIL import Image

from keras_deid.cli.privacy import main
from keras_deid.data.faces import Face
from keras_deid.privacy.measure import OFFERED

from ..hidden_faces import Grey

POINTS = ((54.0, 56.0), (74.0, 56.0), (64.0, 64.0), (56.0, 74.0), (72.0, 74.0))


class Middle:
    def detect(self, image):
        scale = image.shape[1] / 128
        return [
            Face((44 * scale, 44 * scale, 84 * scale, 84 * scale), 0.9, [(x * scale, y * scale) for x, y in POINTS])
        ]


class Colours:
    name, identity, side, template = "colours", "1", 32, np.array(POINTS) - 48

    def embed(self, faces):
        return np.array([face.mean(axis=(0, 1)) for face in faces]) / 255


@pytest.fixture(autouse=True)
def networks(monkeypatch):
    monkeypatch.setattr("keras_deid.restoring.run_model.RunModel", Grey)
    monkeypatch.setattr("keras_deid.evaluation.faces_found.evaluation_detector", Middle)
    monkeypatch.setattr("keras_deid.privacy.embedders.load_embedders", lambda: [Colours()])


@pytest.fixture
def privacy(tmp_path):
    folder = tmp_path / "photographs"
    folder.mkdir()
    for number, colour in enumerate(((150, 120, 90), (250, 40, 40), (40, 250, 40))):
        pixels = np.full((128, 128, 3), 100, np.uint8)
        pixels[44:84, 44:84] = colour
        Image.fromarray(pixels).save(folder / f"{number}.png")

    def run(*words, out=tmp_path / "out"):
        return main([str(folder), "--out", str(out), "--split", "all", *words])

    return run


def test_a_measurement(privacy, tmp_path, capsys):
    assert privacy("--kinds", "across_4,deface_solid") == 0
    out = tmp_path / "out"
    assert capsys.readouterr().out == (
        f"2 people, 2 kinds, recognised by colours\nwritten: {out / 'privacy.md'}, privacy.json, privacy.csv\n"
    )
    content = json.loads((out / "privacy.json").read_text())
    assert content["settings"]["split"] == "all" and content["settings"]["model"] == "grey"
    assert content["command"].startswith("keras-deid privacy")


def test_a_broken_photograph_is_skipped_and_the_exit_code_says_so(privacy, tmp_path, capsys):
    (tmp_path / "photographs" / "broken.png").write_bytes(b"junk")
    assert privacy("--kinds", "across_4") == 1
    assert "skipped: broken.png: broken image" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--kinds", "mosaic"), f"--kinds: there is no kind 'mosaic'; the kinds are {', '.join(OFFERED)}"),
        (("--limit", "2"), "was found in 2 of 2 photographs; give photographs of at least 3 people"),
    ],
)
def test_mistakes(privacy, capsys, words, said):
    assert privacy(*words) == 2
    *_, line = capsys.readouterr().err.splitlines()  # after the progress
    assert line.startswith("error: ") and said in line


def test_the_folder_of_something_else_is_left_alone(privacy, tmp_path, capsys):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "notes.txt").write_text("mine")
    assert privacy(out=tmp_path / "full") == 2
    assert "holds something else than a privacy evaluation" in capsys.readouterr().err
