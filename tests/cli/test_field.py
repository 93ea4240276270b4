import json
import shutil
from pathlib import Path

import pytest

from keras_deid.cli.field import main
from keras_deid.data.split import split_of
from keras_deid.field.targets import TARGETS
from keras_deid.hiding.kinds import KINDS

from ..hidden_faces import BlackLocator, Grey, draw_photographs

LOCATOR = Path(__file__).parents[2] / "configs" / "locator.yaml"
TEST = next(f"{number}" for number in range(100) if split_of(f"{number}", 0.1, 0.1) == "test")
TRAIN = next(f"{number}" for number in range(100) if split_of(f"{number}", 0.1, 0.1) == "train")


@pytest.fixture(autouse=True)
def networks(monkeypatch, tmp_path):
    monkeypatch.setattr("keras_deid.restoring.run_model.RunModel", Grey)
    monkeypatch.setattr("keras_deid.restoring.run_locator.RunLocator", BlackLocator)
    (tmp_path / "locator").mkdir()
    shutil.copy(LOCATOR, tmp_path / "locator" / "config.yaml")


@pytest.fixture
def photographs(tmp_path):
    return draw_photographs(tmp_path, [f"{name}.png" for name in (TEST, TRAIN)]).folder


@pytest.fixture
def field(photographs, tmp_path):
    def run(*words, kinds="deface_solid"):
        given = ["--locator", tmp_path / "locator", "--kinds", kinds, "--boxes", tmp_path / "boxes.csv", *words]
        return main([*map(str, [photographs, "--out", tmp_path / "out", *given])])

    return run


def test_an_evaluation(field, tmp_path, capsys):
    assert field("--threshold", "0.25") == 0
    assert capsys.readouterr().out == (
        "1 photographs, 1 faces, 1 kinds\n"
        "targets met: 5 of 8\n"
        f"written: {tmp_path / 'out' / 'field.html'}, field.json, field.csv, field.md, sheets/\n"
    )
    content = json.loads((tmp_path / "out" / "field.json").read_text())
    met = {verdict["name"]: verdict["met"] for verdict in content["verdicts"]}
    assert sum(one is True for one in met.values()) == 5 and len(met) == 8
    assert met["regions_recall"] and met["changed_outside"] and not met["sharpness"]
    settings = content["settings"]
    assert settings["split"] == "test" and settings["threshold"] == 0.25 and settings["targets"] == "street"
    assert settings["locator"] == "locator" and settings["model"] == "grey" and settings["limit"] is None
    assert "keras-deid field" in (tmp_path / "out" / "field.html").read_text()


def test_the_page_in_a_browser(field, tmp_path, find_in_browser):
    assert field() == 0
    words = "document.getElementById('deface_solid').querySelectorAll('img').length", "document.images[0].naturalWidth"
    for width in (500, 1200):
        wider, broken, sheets, pixels = find_in_browser(tmp_path / "out" / "field.html", width, 900, *words)
        assert wider <= 0 and broken == 0 and sheets == 1 and pixels > 4 * 128


def test_all_splits_and_a_limit(field, tmp_path):
    assert field("--split", "all") == 0
    assert json.loads((tmp_path / "out" / "field.json").read_text())["faces"] == 2
    assert field("--split", "all", "--limit", "1", "--targets", "large", kinds="deface_solid,deface_solid") == 0
    content = json.loads((tmp_path / "out" / "field.json").read_text())
    assert content["faces"] == 1 and list(content["kinds"]) == ["deface_solid"]
    assert {"least": TARGETS["large"].gain_solid}.items() <= next(
        verdict for verdict in content["verdicts"] if verdict["name"] == "psnr_gain"
    ).items()


def test_a_broken_photograph_is_skipped_and_the_exit_code_says_so(field, photographs, capsys):
    (photographs / "broken.png").write_bytes(b"junk")
    assert field("--split", "all") == 1
    assert "skipped: broken.png: broken image" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("kinds", "words", "said"),
    [
        ("mosaic", (), f"--kinds: there is no kind 'mosaic'; the kinds are {', '.join(KINDS)}"),
        ("deface_solid,", (), "--kinds: there is no kind ''"),
        ("deface_solid", ("--boxes", "nowhere.csv"), "nowhere.csv: cannot be read"),
        ("deface_solid", ("--split", "val"), "none of the 2 photographs belongs to the split val; try --split all"),
    ],
)
def test_a_wrong_option_is_one_line(field, capsys, kinds, words, said):
    assert field(*words, kinds=kinds) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: ") and said in line


def test_a_folder_of_something_else_is_one_line(field, tmp_path, capsys):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "letter.txt").touch()
    assert field() == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"error: {tmp_path / 'out'}: holds something else than a field evaluation")


def test_an_empty_folder_is_one_line(tmp_path, capsys):
    (tmp_path / "empty").mkdir()
    assert main([str(tmp_path / "empty"), "--out", str(tmp_path / "out")]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"error: {tmp_path / 'empty'}: no picture in it")


def test_interrupted_is_one_line(field, monkeypatch, capsys):
    def stop(*arguments, **settings):
        raise KeyboardInterrupt

    monkeypatch.setattr("keras_deid.field.evaluate.score_photograph", stop)
    assert field() == 130
    assert capsys.readouterr().err.splitlines()[-1].endswith("interrupted")


def test_the_targets_that_can_be_chosen():
    (option,) = (option for option in main.params if option.name == "targets")
    assert list(option.type.choices) == list(TARGETS)
