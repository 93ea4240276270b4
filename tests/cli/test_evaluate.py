import csv
import functools
import json
import shutil
from pathlib import Path

import keras
import numpy as np
import pytest
from PIL import Image

from keras_deid.cli.evaluate import main
from keras_deid.config import load_config
from keras_deid.data.images import write_png
from keras_deid.errors import UserError
from keras_deid.evaluation.metrics import METRICS
from keras_deid.evaluation.usefulness import evaluate_usefulness
from keras_deid.preparation.prepare import prepare
from keras_deid.shipped import find_run
from keras_deid.synthetic import draw_scene
from keras_deid.training.networks import build_generator

SCENES = 3

CONFIG = f"""
name: tiny
data:
  image_size: [32, 32]
  synthetic: {{train: 8, val: 4, test: {SCENES}}}
generator: {{filters: 4, blocks: 1, reduction: 4, global_skip: true}}
"""


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A run folder as training leaves it, as far as evaluation reads it; the weights are untrained."""
    folder = tmp_path_factory.mktemp("runs") / "tiny"
    folder.mkdir()
    (folder / "config.yaml").write_text(CONFIG)
    config = load_config(folder / "config.yaml")
    config.save(folder / "config.yaml")
    build_generator(config).save(folder / "generator.keras")
    return folder


@pytest.fixture
def run(trained, tmp_path):
    return shutil.copytree(trained, tmp_path / "runs" / "tiny")


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    """Drawn scenes as a prepared data set, nearly all of them in the test split."""
    photos = tmp_path_factory.mktemp("photos")
    lines = ["path,x0,y0,x1,y1"]
    for seed in range(6):
        scene = draw_scene(seed, 64)
        write_png(photos / f"{seed}.png", scene.image)
        lines.append(f"{seed}.png," + ",".join(f"{edge:.1f}" for edge in scene.box))
    boxes = photos.parent / "boxes.csv"
    boxes.write_text("\n".join(lines))
    return prepare(
        photos,
        photos.parent / "prepared",
        boxes=boxes,
        size=32,
        min_face=1,
        val_fraction=0,
        test_fraction=0.9,
        workers=1,
    )


def read_figures(path):
    return json.loads(path.read_text(encoding="utf-8"))


def read_csv(path):
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_writes_figures_scores_and_pictures_and_prints_the_table(run, capsys):
    assert main([str(run)]) == 0
    printed = capsys.readouterr().out
    assert f"test split, {SCENES} pictures" in printed
    assert [line.split()[0] for line in printed.splitlines()[3:8]] == [
        "original",
        "mosaic",
        "bilinear",
        "bicubic",
        "restored",
    ]
    figures = read_figures(run / "evaluation.json")
    assert (figures["split"], figures["images"]) == ("test", SCENES)
    assert list(figures["baselines"]) == ["input", "bilinear", "bicubic"]
    for means in (*figures["baselines"].values(), figures["restored"]):
        assert set(means) == {*METRICS, "faces_found"}
        assert means.pop("ms_ssim") is None  # no room for five scales
        assert all(isinstance(value, float) for value in means.values())
    assert figures["baselines"]["input"]["psnr_outside"] == 100
    assert figures["settings"]["deidentify"]["block_size"] == 0.2
    assert figures["data"]["synthetic"]["test"] == SCENES
    assert figures["settings"]["box"] == {"context": 1.5}
    assert figures["model"]["run"] == "tiny"
    assert "no MS-SSIM" in printed and "by brightness" not in printed
    assert [sum(group["images"] for group in groups) for groups in figures["groups"].values()] == [SCENES] * 3
    lines = read_csv(run / "evaluation.csv")
    assert len(lines) == 5 * SCENES
    restored = [float(line["psnr_mask"]) for line in lines if line["source"] == "restored"]
    assert np.mean(restored) == pytest.approx(figures["restored"]["psnr_mask"], abs=1e-3)
    with Image.open(run / "evaluation.png") as image:
        assert image.height > SCENES * 128 and image.width > 4 * 128
    assert sorted(path.name for path in run.iterdir()) == [
        "config.yaml",
        "evaluation.csv",
        "evaluation.json",
        "evaluation.png",
        "generator.keras",
    ]


def test_a_shipped_run_by_name_stays_as_it_is(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["street64_any", "data.source=synthetic", "data.synthetic.test=2"]) == 0
    assert read_figures(Path("runs/street64_any/evaluation.json"))["images"] == 2
    assert read_figures(find_run("street64_any") / "evaluation.json")["images"] > 2


def test_the_same_command_gives_the_same_figures(run, tmp_path):
    for name in ("first", "second"):
        assert main([str(run), "--out", str(tmp_path / f"{name}.json"), "--limit", "2"]) == 0
    assert (tmp_path / "first.json").read_text() == (tmp_path / "second.json").read_text()
    assert (tmp_path / "first.csv").read_text() == (tmp_path / "second.csv").read_text()


def test_overrides_options_and_positions_may_be_mixed(run, tmp_path):
    out = tmp_path / "larger.json"
    words = [
        run,
        "--limit",
        2,
        "deidentify.block_size=0.4",
        "--out",
        out,
        "data.synthetic.seed=3",
        "--split",
        "val",
    ]
    assert main([str(word) for word in words]) == 0
    figures = read_figures(out)
    assert (figures["split"], figures["images"]) == ("val", 2)
    assert figures["settings"]["deidentify"]["block_size"] == 0.4
    assert figures["data"]["synthetic"]["seed"] == 3
    assert not (run / "evaluation.json").exists()
    for line in read_csv(out.with_suffix(".csv")):
        assert float(line["block"]) == pytest.approx(0.4 * float(line["box_width"]), rel=1e-4)


def test_a_sweep_over_block_sizes(run, capsys):
    assert main([str(run), "--blocks", "0.5,0.25", "--limit", "2"]) == 0
    figures = read_figures(run / "evaluation_blocks.json")
    assert [part["block"] for part in figures["blocks"]] == [0.25, 0.5]
    assert (figures["unit"], figures["images"]) == ("face", 2)
    assert {line["metric"] for line in read_csv(run / "evaluation_blocks.csv")} >= {"psnr_mask", "faces_found"}
    assert (run / "evaluation_blocks.png").is_file() and not (run / "evaluation.json").exists()
    assert "\n   0.25  " in capsys.readouterr().out


def test_usefulness_as_training_data(run, monkeypatch, capsys):
    quick = functools.partial(evaluate_usefulness, seeds=1)
    monkeypatch.setattr("keras_deid.evaluation.usefulness.evaluate_usefulness", quick)
    assert main([str(run), "--usefulness", "--limit", "6"]) == 0
    figures = read_figures(run / "usefulness.json")
    assert (figures["train_pictures"], figures["test_pictures"], figures["seeds"]) == (6, SCENES, 1)
    for metric in ("nme", "failure_rate"):
        values = figures[metric]["values"]
        assert list(values) == ["original", "input", "bicubic", "restored"]
        # Whoever takes the middle of the face for every landmark is about a quarter of the face off.
        assert all(0 <= value <= (0.3 if metric == "nme" else 1) for value in values.values())
        assert figures[metric]["lost"] == pytest.approx(values["input"] - values["original"])
    assert "trained on" in capsys.readouterr().out
    assert not (run / "evaluation.json").exists()


def test_usefulness_needs_faces_that_the_detector_finds(run, monkeypatch, capsys):
    monkeypatch.setattr("keras_deid.evaluation.usefulness.face_landmarks", lambda *face: None)
    assert "no face again in the original pictures of the test split" in refusal(
        capsys, run, "--usefulness", "--limit", "2"
    )
    assert not (run / "usefulness.json").exists()


def test_learned_metrics_are_loaded_before_the_long_work(run, monkeypatch, capsys):
    def refuse(names):
        raise UserError(f"--metrics {','.join(names)}: the weights cannot be downloaded")

    monkeypatch.setattr("keras_deid.evaluation.learned_metrics.load_learned_metrics", refuse)
    monkeypatch.setattr("keras_deid.evaluation.evaluate.evaluate_data", None)
    assert "--metrics kid,fid: the weights" in refusal(capsys, run, "--metrics", "kid,fid,kid")
    assert not (run / "evaluation.json").exists()


def test_any_model_from_pictures_to_pictures_is_evaluated(run):
    """A U-Net in small: it halves the picture, doubles it again, and drops values out while it trains."""
    picture = keras.Input((32, 32, 3))
    down = keras.layers.Conv2D(4, 4, strides=2, padding="same")(picture)
    up = keras.layers.Conv2DTranspose(4, 4, strides=2, padding="same")(keras.layers.Dropout(0.5)(down))
    joined = keras.layers.Concatenate()([picture, up])
    keras.Model(picture, keras.layers.Conv2D(3, 1, activation="tanh")(joined)).save(run / "generator.keras")
    for name in ("first", "second"):
        assert main([str(run), "--out", str(run / f"{name}.json"), "--limit", "2"]) == 0
    assert (run / "first.csv").read_text() == (run / "second.csv").read_text()


def test_blurred_data_have_one_input_also_in_groups(run, capsys):
    assert main([str(run), "deidentify.method=blur", "--limit", "2", "--groups"]) == 0
    assert list(read_figures(run / "evaluation.json")["baselines"]) == ["input"]
    printed = capsys.readouterr().out
    assert "\nblur " in printed
    for heading in ("by width of the face, px", "by block, px", "by brightness"):
        assert heading in printed


def test_evaluates_on_another_prepared_set(run, prepared, tmp_path):
    out = tmp_path / "other.json"
    assert main([str(run), "--data", str(prepared.folder), "--out", str(out)]) == 0
    figures = read_figures(out)
    assert figures["images"] == prepared.counts["test"] >= 2
    assert figures["data"]["fingerprint"] == prepared.fingerprint
    assert {line["path"] for line in read_csv(out.with_suffix(".csv"))} <= {f"{seed}.png#0" for seed in range(6)}


def test_pairs_that_came_deidentified_have_one_input(run, tmp_path, capsys):
    for side in ("x", "y"):
        (tmp_path / "pairs" / side).mkdir(parents=True)
    for seed in range(4):
        scene = draw_scene(seed, 32)
        x0, y0, x1, y1 = (round(float(edge)) for edge in scene.box)
        hidden = scene.image.copy()
        hidden[y0:y1, x0:x1] = 128
        write_png(tmp_path / "pairs" / "y" / f"{seed}.png", scene.image)
        write_png(tmp_path / "pairs" / "x" / f"{seed}.png", hidden)
    words = ["data.source=folders", f"data.path={tmp_path / 'pairs'}", "data.prepare.test_fraction=0.9"]
    assert main([str(run), *words, "data.prepare.val_fraction=0"]) == 0
    figures = read_figures(run / "evaluation.json")
    assert list(figures["baselines"]) == ["input"]
    assert figures["baselines"]["input"]["psnr_outside"] == 100
    assert figures["settings"]["deidentify"] is None
    assert "\ninput " in capsys.readouterr().out


def refusal(capsys, *words):
    """Runs the command, which has to fail with one line, and returns that line."""
    assert main([str(word) for word in words]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    lines = [line for line in printed.err.splitlines() if line.startswith("error: ")]
    assert len(lines) == 1 and "Traceback" not in printed.err
    return lines[0]


def test_a_missing_run(tmp_path, capsys):
    assert "nowhere: does not exist; give the folder of a trained run" in refusal(capsys, tmp_path / "nowhere")


def test_a_run_without_configuration(run, capsys):
    (run / "config.yaml").unlink()
    assert "config.yaml: does not exist" in refusal(capsys, run)


def test_a_run_with_a_broken_configuration(run, capsys):
    (run / "config.yaml").write_text("data: {image_size: [30, 32]}")
    assert "data.image_size" in refusal(capsys, run)


def test_a_run_that_was_not_trained(run, capsys):
    (run / "generator.keras").unlink()
    assert "generator.keras: no such file; train the run first" in refusal(capsys, run)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--blocks", "0.2", "deidentify.method=box"], "a box has no strength"),
        (["--usefulness", "--out", "figures.csv"], "ends in .json"),
        (["--blocks", "0.2", "--out", "nowhere/figures.json"], "no such folder"),
    ],
)
def test_longer_jobs_are_refused_before_they_begin(run, capsys, words, message):
    assert message in refusal(capsys, run, *words)


def test_a_broken_generator(run, capsys):
    (run / "generator.keras").write_bytes(b"PK not a model")
    assert "generator.keras: cannot be loaded as a Keras model" in refusal(capsys, run)


def test_a_model_of_something_else(run, capsys):
    vector = keras.Input((7,))
    keras.Model(vector, keras.layers.Dense(1)(vector)).save(run / "generator.keras")
    assert "expected a generator of pictures" in refusal(capsys, run)


def test_code_inside_a_generator_is_not_run(run, capsys):
    picture = keras.Input((32, 32, 3))
    keras.Model(picture, keras.layers.Lambda(lambda x: x)(picture)).save(run / "generator.keras")
    assert "cannot be loaded" in refusal(capsys, run)


def test_missing_data(run, tmp_path, capsys):
    assert "nowhere: does not exist" in refusal(capsys, run, "--data", tmp_path / "nowhere")


def test_data_that_are_none(run, tmp_path, capsys):
    (tmp_path / "photos").mkdir()
    assert "photos: has no dataset.json" in refusal(capsys, run, "--data", tmp_path / "photos")


def test_an_empty_split(run, prepared, capsys):
    assert "the val split" in refusal(capsys, run, "--data", prepared.folder, "--split", "val")


def test_another_picture_size(run, capsys):
    assert "takes pictures of 32 x 32 pixels" in refusal(capsys, run, "data.image_size=[64,48]")


@pytest.mark.parametrize(
    ("out", "message"),
    [
        ("nowhere/figures.json", "no such folder"),
        ("figures.csv", "ends in .json"),
        ("folder.json", "is a folder"),
    ],
)
def test_an_output_that_cannot_be_written(run, tmp_path, capsys, out, message):
    (tmp_path / "folder.json").mkdir()
    assert message in refusal(capsys, run, "--out", tmp_path / out)


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("generator.filters=8", "cannot change in a trained run"),
        ("deidentify.evaluate_blok=0.2", "unknown key"),
        ("deidentify.block_size=-1", "deidentify.block_size"),
        ("deidentify.block_size", "expected key=value"),
    ],
)
def test_overrides_that_make_no_sense(run, capsys, word, message):
    assert message in refusal(capsys, run, word)


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["RUN", "--limit", "0"],
        ["RUN", "--limit", "x"],
        ["RUN", "--split", "all"],
        ["RUN", "--metrics", "psnr"],
        ["RUN", "--blocks", "0.1,no"],
        ["RUN", "--blocks", "0.1,0"],
        ["RUN", "--blocks", "inf"],
        ["RUN", "--blocks", "nan"],
        ["RUN", "--blocks", "0.1", "--usefulness"],
    ],
)
def test_a_wrong_command_line(words, capsys):
    assert main(words) == 2
    assert "Usage:" in capsys.readouterr().err
