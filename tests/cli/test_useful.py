import json

import pytest

from keras_deid.cli.useful import main
from keras_deid.data.split import split_of
from keras_deid.hiding.kinds import KINDS
from keras_deid.useful.pictures import DEFAULT_KINDS

from ..hidden_faces import BlackLocator, Grey, draw_photographs


def named(split):
    return [f"{number}" for number in range(100) if split_of(f"{number}", 0.1, 0.1) == split]


TRAIN, VAL, TEST = named("train")[:2], named("val")[:1], named("test")[:2]


@pytest.fixture(autouse=True)
def networks(monkeypatch):
    monkeypatch.setattr("keras_deid.restoring.run_model.RunModel", Grey)
    monkeypatch.setattr("keras_deid.restoring.run_locator.RunLocator", BlackLocator)
    monkeypatch.setattr("keras_deid.useful.evaluate.face_network", lambda: "network")
    monkeypatch.setattr("keras_deid.useful.evaluate.train_anew", lambda *arguments: None)
    monkeypatch.setattr(
        "keras_deid.useful.evaluate.detect",
        lambda network, pictures: [[(0.5, (0.0, 0.0, 9.0, 9.0))] for _ in pictures],
    )


@pytest.fixture
def photographs(tmp_path):
    return draw_photographs(tmp_path, [f"{name}.png" for name in (*TRAIN, *VAL, *TEST)]).folder


@pytest.fixture
def useful(photographs, tmp_path):
    def run(*words, out=tmp_path / "out", boxes=tmp_path / "boxes.csv"):
        return main([str(photographs), "--out", str(out), "--boxes", str(boxes), *words])

    return run


def test_a_measurement(useful, tmp_path, capsys):
    assert useful("--kinds", "deface_solid,gaussian", "--seeds", "2") == 0
    out = tmp_path / "out"
    assert capsys.readouterr().out == (
        "deface solid: hiding costs nothing that can be distinguished from chance "
        "(original - hidden: 0.000 (0.000 to 0.000))\n"
        "Gaussian blur, a sixth of the face: hiding costs nothing that can be distinguished from chance "
        "(original - hidden: 0.000 (0.000 to 0.000))\n"
        f"written: {out / 'useful.md'}, useful.json, useful.csv\n"
    )
    content = json.loads((out / "useful.json").read_text())
    assert content["train"]["photographs"] == len(TRAIN) and content["test"]["photographs"] == len(TEST)
    assert content["seeds"] == 2 and content["command"].startswith("keras-deid useful")
    settings = content["settings"]
    assert settings["learn_from"] == "train" and settings["model"] == "grey" and settings["threshold"] == 0.65
    assert list(content["kinds"]) == ["deface_solid", "gaussian"]


def test_other_photographs_to_learn_from_and_fewer(useful, tmp_path):
    assert useful("--learn-from", "val", "--test", "1") == 0
    content = json.loads((tmp_path / "out" / "useful.json").read_text())
    assert content["train"]["photographs"] == len(VAL) and content["test"]["photographs"] == 1
    assert list(content["kinds"]) == list(DEFAULT_KINDS) and content["seeds"] == 3
    assert useful("--train", "1", out=tmp_path / "other") == 0
    assert json.loads((tmp_path / "other" / "useful.json").read_text())["train"]["photographs"] == 1


def test_a_broken_photograph_is_skipped_and_the_exit_code_says_so(useful, photographs, capsys):
    broken = photographs / f"{TRAIN[0]}.png"
    broken.write_bytes(b"junk")
    assert useful() == 1
    assert f"skipped: {broken.name}: broken image" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--kinds", "mosaic"), f"--kinds: there is no kind 'mosaic'; the kinds are {', '.join(KINDS)}"),
        (("--boxes", "nowhere.csv"), "nowhere.csv: cannot be read"),
    ],
)
def test_a_wrong_option_is_one_line(useful, capsys, words, said):
    assert useful(*words) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: ") and said in line


def test_a_split_without_photographs_is_one_line(useful, photographs, capsys):
    for name in VAL:
        (photographs / f"{name}.png").unlink()
    assert useful("--learn-from", "val") == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: none of the 4 photographs belongs to the split val; give more")


def test_the_folder_of_something_else_is_left_alone(useful, tmp_path, capsys):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "notes.txt").write_text("mine")
    assert useful(out=tmp_path / "full") == 2
    assert "holds something else than a useful evaluation" in capsys.readouterr().err
