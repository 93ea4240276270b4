import csv
import json
import os
import shutil
import signal

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_deid.config import load_config
from keras_deid.data.evaluation_examples import evaluation_examples
from keras_deid.errors import UserError
from keras_deid.evaluation.scoring import restore
from keras_deid.locking import locked_folder
from keras_deid.models.saved import load_generator
from keras_deid.training import run as training_run
from keras_deid.training.networks import build_restorer
from keras_deid.training.run import Interrupted, run

EPOCHS, STEPS = 2, 4


@pytest.fixture(scope="module")
def finished(tmp_path_factory, tiny):
    """(configuration, folder, metrics) of a run."""
    config, folder = tiny(), tmp_path_factory.mktemp("runs") / "nested" / "tiny"
    keras.utils.set_random_seed(0)
    return config, folder, run(config, folder)


@pytest.fixture
def copied(finished, tmp_path):
    """The folder of that run, to be changed."""
    return shutil.copytree(finished[1], tmp_path / "copy")


def read_history(folder):
    with (folder / "history.csv").open() as file:
        return list(csv.DictReader(file))


def test_a_run_leaves_what_other_commands_read(finished):
    _, folder, _ = finished
    assert {path.name for path in folder.iterdir()} == {
        "config.yaml",
        "checkpoints",
        "history.csv",
        "samples",
        "tensorboard",
        "generator.keras",
        "discriminator.keras",
        "evaluation.json",
        "evaluation.csv",
        "evaluation.png",
        "summary.json",
    }
    assert [path.name for path in sorted((folder / "samples").iterdir())] == ["epoch_0001.png", "epoch_0002.png"]
    assert tf.train.latest_checkpoint(folder / "checkpoints").endswith(f"ckpt-{EPOCHS * STEPS}")


def test_the_configuration_is_saved_with_it(finished):
    config, folder, _ = finished
    assert load_config(folder / "config.yaml") == config


def test_a_line_an_epoch(finished):
    rows = read_history(finished[1])
    assert [(float(row["epoch"]), float(row["step"])) for row in rows] == [(1, STEPS), (2, 2 * STEPS)]
    assert float(rows[1]["l1"]) < float(rows[0]["l1"])
    # Constant for the first epoch; of the second, all four steps were taken.
    assert [float(row["learning_rate"]) for row in rows] == pytest.approx([2e-3, 0.0])


def test_the_networks_can_be_loaded(finished):
    _, folder, _ = finished
    generator = keras.saving.load_model(folder / "generator.keras", safe_mode=True)
    discriminator = keras.saving.load_model(folder / "discriminator.keras", safe_mode=True)
    restored = generator(np.zeros((1, 16, 16, 3), "float32"))
    assert restored.shape == (1, 16, 16, 3)
    assert np.isfinite(discriminator(restored)).all()


def test_figures_and_summary(finished):
    config, folder, metrics = finished
    assert json.loads((folder / "evaluation.json").read_text()) == metrics
    assert (metrics["split"], metrics["images"]) == ("test", 2)
    assert set(metrics["baselines"]) == {"input", "bilinear", "bicubic"}
    summary = json.loads((folder / "summary.json").read_text())
    assert summary["metrics"] == metrics
    assert (summary["name"], summary["epochs"], summary["steps"]) == ("tiny", EPOCHS, EPOCHS * STEPS)
    rows = read_history(folder)
    assert summary["seconds"] == pytest.approx(sum(float(row["seconds"]) for row in rows), abs=0.06)
    images = EPOCHS * STEPS * config.training.batch_size
    assert summary["images_per_second"] == pytest.approx(images / summary["seconds"], rel=0.05)
    assert 0 <= summary["data_wait"] <= 1
    assert summary["precision"] == "float32"
    generator = keras.saving.load_model(folder / "generator.keras")
    assert summary["parameters"]["generator"] == generator.count_params()
    assert summary["versions"]["tensorflow"] == tf.__version__
    assert set(summary["versions"]) == {"python", "keras_deid", "tensorflow", "keras", "numpy"}
    assert summary["git_commit"] is None or len(summary["git_commit"]) == 40
    assert metrics["data"]["source"] == "synthetic"


def test_a_second_call_does_not_train_again(finished, monkeypatch):
    config, folder, metrics = finished
    kept = ["history.csv", "config.yaml", "generator.keras", "discriminator.keras", "evaluation.csv"]
    before = [(folder / name).read_bytes() for name in kept]
    summary = json.loads((folder / "summary.json").read_text())

    def fit(*arguments, **how):
        raise AssertionError("trains again")

    monkeypatch.setattr(training_run.RestoringGAN, "fit", fit)
    assert run(config, folder) == metrics
    assert [(folder / name).read_bytes() for name in kept] == before
    again = json.loads((folder / "summary.json").read_text())
    assert {**again, "finished": ""} == {**summary, "finished": ""}


@pytest.mark.parametrize(
    ("settings", "line"),
    [
        ({"generator": {"filters": 8}}, "was started with generator.filters=4, not 8;"),
        ({"training": {"learning_rate": 1e-3}}, "was started with training.learning_rate=0.002, not 0.001;"),
        ({"data": {"flip": False}}, "was started with data.flip=True, not False;"),
    ],
)
def test_other_settings_in_the_same_folder_are_a_mistake(finished, tiny, settings, line):
    _, folder, _ = finished
    before = (folder / "config.yaml").read_bytes()
    with pytest.raises(UserError) as raised:
        run(tiny(**settings), folder)
    assert str(raised.value) == f"{folder}: {line} choose another --run or delete it"
    assert (folder / "config.yaml").read_bytes() == before


def test_a_folder_that_is_no_run_is_left_alone(tiny, tmp_path):
    (tmp_path / "holiday.jpg").write_bytes(b"")
    with pytest.raises(UserError, match="is not a run folder; choose another --run"):
        run(tiny(), tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["holiday.jpg"]


def test_data_that_are_not_there_are_a_mistake_and_leave_no_folder(tiny, tmp_path):
    config = tiny(data={"source": "prepared", "path": str(tmp_path / "missing")})
    with pytest.raises(UserError, match=r"missing: no such prepared data set; give photographs .*--photos"):
        run(config, tmp_path / "run")
    assert list(tmp_path.iterdir()) == []


def test_photographs_that_are_not_there_are_a_mistake(tiny, tmp_path):
    data = {"source": "prepared", "path": str(tmp_path / "prepared"), "photos": str(tmp_path / "album")}
    with pytest.raises(UserError, match="album"):
        run(tiny(data=data), tmp_path / "run")
    assert list(tmp_path.iterdir()) == []


def test_fewer_pictures_than_a_batch_are_a_mistake(tiny, tmp_path):
    config = tiny(data={"synthetic": {"train": 1, "val": 1}})
    with pytest.raises(UserError, match="has 1 pictures?, fewer than training.batch_size=2"):
        run(config, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_more_epochs_may_follow_and_stop_when_numbers_are_none(copied, tiny, monkeypatch):
    batches_of = training_run.training_batches

    def then_nan(*arguments, start_step, **how):
        # The run has taken all of its steps: the third from now is spoiled.
        assert start_step == EPOCHS * STEPS
        batches = batches_of(*arguments, start_step=start_step, **how)

        def spoil(index, data):
            x, y, mask = data
            return tf.where(index == 2, np.nan, tf.cast(x, tf.float32)), y, mask

        return batches.enumerate().map(spoil)

    monkeypatch.setitem(training_run._DATA, "paired", (training_run.load_training_pictures, then_nan))
    networks = (copied / "generator.keras").read_bytes()
    config = tiny(training={"epochs": 2}, name="longer")
    with pytest.raises(
        UserError, match=rf"adversarial is nan at step {EPOCHS * STEPS + 3}: the last checkpoint is kept"
    ):
        run(config, copied)
    assert tf.train.latest_checkpoint(copied / "checkpoints").endswith(f"ckpt-{EPOCHS * STEPS}")
    assert len(read_history(copied)) == EPOCHS
    assert (copied / "generator.keras").read_bytes() == networks
    assert load_config(copied / "config.yaml") == config


@pytest.mark.parametrize("damage", ["list", "newest", "all", "gone", "gone, no summary", "gone, damaged summary"])
def test_a_finished_run_is_never_trained_again(copied, tiny, monkeypatch, damage):
    """With a damaged list nothing is lost; with damaged checkpoints nothing is trained over the results."""
    folder = copied / "checkpoints"
    if damage == "list":
        (folder / "checkpoint").write_bytes(b"garbage")
    else:
        for file in folder.glob(f"ckpt-{EPOCHS * STEPS}.*" if damage == "newest" else "*"):
            file.write_bytes(b"garbage") if damage in ("newest", "all") else file.unlink()
    if "no summary" in damage:
        (copied / "summary.json").unlink()
    if "damaged summary" in damage:
        (copied / "summary.json").write_text("{")
    monkeypatch.setattr(training_run.RestoringGAN, "fit", None, raising=False)  # nothing is trained
    before = {name: (copied / name).read_bytes() for name in ("generator.keras", "history.csv")}
    if damage == "list":
        assert run(tiny(), copied)["split"] == "test"
    else:
        message = "delete .*checkpoints" if damage == "all" else "nothing is trained again over it"
        with pytest.raises(UserError, match=message) as raised:
            run(tiny(), copied)
        assert "\n" not in str(raised.value)
    assert {name: (copied / name).read_bytes() for name in before} == before


def test_a_damaged_checkpoint_costs_what_was_done_since_the_one_before(copied, tiny, capfd):
    (copied / "summary.json").unlink()  # as if it had been killed after the last epoch
    (copied / "checkpoints" / f"ckpt-{EPOCHS * STEPS}.data-00000-of-00001").write_bytes(b"garbage")
    assert run(tiny(), copied)["split"] == "test"
    rows = read_history(copied)
    assert [float(row["step"]) for row in rows] == [STEPS, 2 * STEPS]


def test_two_processes_do_not_train_one_run(copied, tiny):
    with locked_folder(copied, ""), pytest.raises(UserError, match="is being trained by another process"):
        run(tiny(), copied)


def test_a_signal_saves_and_leaves(copied, tiny, monkeypatch):
    # Before the first step is the earliest that a signal can come.
    monkeypatch.setattr(training_run, "fit", lambda *arguments: os.kill(os.getpid(), signal.SIGTERM))
    with pytest.raises(Interrupted, match=r"^stopped after step 8 of 12; the same command continues$"):
        run(tiny(training={"epochs": 2}), copied)
    assert tf.train.latest_checkpoint(copied / "checkpoints").endswith("ckpt-8")


@pytest.mark.parametrize(
    "settings",
    [
        pytest.param(
            {"generator": {"network": "unet", "attention": "none"}, "discriminator": {"conditional": True}},
            id="pix2pix",
        ),
        pytest.param(
            {
                "generator": {"attention": "none", "normalization": "none"},
                "loss": {"identity_weight": 0.0},
                "training": {"method": "unpaired", "pool": 4},
            },
            id="cyclegan",
        ),
        pytest.param(
            {
                "generator": {"network": "dcgan", "attention": "none", "latent": 8},
                "training": {"method": "unconditional", "ema": 0.5},
                "search": {"steps": 2, "starts": 2},
            },
            id="dcgan",
        ),
        pytest.param(
            {"deidentify": {"method": "catalogue"}, "data": {"synthetic": {"train": 2}}, "training": {"ema": 0.5}},
            id="catalogue",
        ),
    ],
)
def test_every_way_of_training_ends_in_a_restorer(tiny, tmp_path, settings):
    config = tiny(**settings)
    metrics = run(config, tmp_path / "run")
    restorer = load_generator(tmp_path / "run")
    example = next(iter(evaluation_examples(config.data, config.deidentify, "test", 2)))
    restored = restore(restorer, example["x"].numpy())
    error = np.abs(restored.astype(float) - example["y"].numpy()).mean() / 255
    assert metrics["restored"]["l1"] == pytest.approx(error, rel=1e-3)
    # Training moves the weights of the restorer, the average of G's with the moving average.
    keras.utils.set_random_seed(config.training.seed)
    untrained = build_restorer(config).get_weights()
    assert any(not np.array_equal(one, other) for one, other in zip(restorer.get_weights(), untrained, strict=True))


@pytest.mark.parametrize(("keep", "best_by"), [("best", "psnr_mask"), ("last", None)])
def test_the_best_or_the_last_networks_are_kept(tiny, tmp_path, monkeypatch, keep, best_by):
    class Reached(Exception):
        pass

    def finish_epoch(*arguments, **how):
        raise Reached(how["best_by"])

    monkeypatch.setattr(training_run, "FinishEpoch", finish_epoch)
    with pytest.raises(Reached) as reached:
        run(tiny(training={"keep": keep}), tmp_path / "run")
    assert reached.value.args == (best_by,)
