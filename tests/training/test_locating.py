import csv
import json
import os
import signal

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_deid.errors import UserError
from keras_deid.models.locator import locator
from keras_deid.models.saved import load_locator
from keras_deid.training.fitting import Interrupted
from keras_deid.training.locating import LocatorTraining
from keras_deid.training.run import run
from keras_deid.training.run_locator import LocatorValidation, build_locator_training, save_locator

from .conftest import train

STEPS, EPOCHS = 3, 2


@pytest.fixture
def config(tiny):
    """A locator's run that takes seconds."""

    def make(**training):
        return tiny(
            data={"synthetic": {"train": 6, "val": 3}, "image_size": [48, 48]},
            locator={"filters": 4, "blocks": 0, "window": 64},
            training={"method": "locate", "batch_size": 2, "learning_rate": 1e-2, "ema": 0.9, **training},
        )

    return make


def batch(count=2, side=64):
    random = np.random.default_rng(0)
    windows = random.integers(0, 256, (count, side, side, 3)).astype("uint8")
    hidden = np.zeros((count, side, side, 1), "float32")
    hidden[0, 16:42, 8:30] = 1
    hidden[1, 30:50, 20:60] = 1
    return np.where(hidden == 1, 120, windows).astype("uint8"), hidden


def compiled(ema=0.9, rate=0.0):
    network = locator(filters=4, blocks=0)
    average = keras.models.clone_model(network)
    average.set_weights(network.get_weights())
    model = LocatorTraining(network, average, ema)
    model.compile(keras.optimizers.SGD(rate))
    return model


def test_one_step_by_hand():
    model, (windows, hidden) = compiled(), batch()
    quarter = hidden.reshape(2, 16, 4, 16, 4, 1).mean(axis=(2, 4))
    logits = np.asarray(model.locator(windows / np.float32(127.5) - 1, training=True), float)
    p = 1 / (1 + np.exp(-logits))
    cross_entropy = -(quarter * np.log(p) + (1 - quarter) * np.log(1 - p)).mean()
    shared, both = ((p * quarter).sum((1, 2, 3)), (p**2 + quarter**2).sum((1, 2, 3)))
    dice = (1 - (2 * shared + 16) / (both + 16)).mean()
    logs = {name: float(value) for name, value in model.train_step(batch()).items()}
    assert logs == pytest.approx({"loss": cross_entropy + dice, "cross_entropy": cross_entropy, "dice": dice}, rel=1e-3)
    assert int(model.step) == 1 and model.networks == (model.locator,)


def test_the_average_follows_the_locator():
    model = compiled(ema=0.12, rate=0.1)
    average = model.average.get_weights()
    for decay in (1 / 11, 0.12, 0.12):
        model.train_step(batch())
        newest = model.locator.get_weights()
        average = [decay * a + (1 - decay) * w for a, w in zip(average, newest, strict=True)]
        for weight, value in zip(model.average.get_weights(), average, strict=True):
            np.testing.assert_allclose(weight, value, rtol=1e-4, atol=1e-6)
    x = batch()[0] / np.float32(127.5) - 1
    np.testing.assert_allclose(model(x), model.average(x), atol=1e-6)


def test_a_small_real_training_learns(config):
    keras.utils.set_random_seed(0)
    model = build_locator_training(config(), steps=30)
    data = tf.data.Dataset.from_tensors(batch()).repeat()
    first, last = train(model, data, 30, 2)
    assert last["loss"] < 0.5 * first["loss"]
    windows, hidden = batch()
    marked = np.asarray(model.average(windows / np.float32(127.5) - 1)) > 0
    wanted = hidden.reshape(2, 16, 4, 16, 4, 1).mean(axis=(2, 4)) > 0.5
    assert (marked & wanted).sum() / (marked | wanted).sum() > 0.6


@pytest.mark.parametrize(("precision", "scaled"), [("mixed_float16", True), ("mixed_bfloat16", False)])
def test_it_is_saved_in_float32_whatever_it_is_trained_in(config, policy, tmp_path, precision, scaled):
    policy(precision)
    model = build_locator_training(config(), steps=4)
    assert isinstance(model.locator_optimizer, keras.optimizers.LossScaleOptimizer) == scaled
    assert model.learning_rate == pytest.approx(1e-2)
    save_locator(model.average, config(), tmp_path / "locator.keras")
    assert keras.mixed_precision.dtype_policy().name == precision
    saved = load_locator(tmp_path)
    assert saved.get_layer("stem_1_conv").compute_dtype == "float32"
    for one, other in zip(saved.get_weights(), model.average.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


class Marks:
    """A network that marks the windows it is given by hand."""

    def __init__(self, logits):
        self.average = lambda windows, training: logits


def test_validation_scores_by_hand(config):
    validation = LocatorValidation(config())
    hidden = np.zeros((1, 8, 8, 1), "float32")
    hidden[0, :4] = 1  # two of the four cells
    validation._batches = [(np.zeros((1, 8, 8, 3), "uint8"), hidden)]
    logits = np.float32([[[1], [-1]], [[1], [-1]]])[None]
    scores = validation(Marks(logits), 1, None)
    # Of two hidden and two marked cells they share one; of two clean ones one is marked.
    assert scores == {"iou": 1 / 3, "false": 0.5}


def history_of(folder):
    with (folder / "history.csv").open() as file:
        return list(csv.DictReader(file))


def test_a_run_that_is_stopped_continues_to_the_same_end(config, tmp_path):
    told = []
    scores = run(config(), tmp_path / "one", lambda *counts: told.append(counts))
    folder = tmp_path / "one"
    assert {path.name for path in folder.iterdir()} == {
        "config.yaml",
        "checkpoints",
        "history.csv",
        "locator.keras",
        "summary.json",
        "tensorboard",
    }
    assert told[-1] == (EPOCHS * STEPS * 2, EPOCHS * STEPS * 2, "training")
    rows = history_of(folder)
    assert [float(row["step"]) for row in rows] == [STEPS, EPOCHS * STEPS]
    assert scores == {name: float(rows[-1][f"val_{name}"]) for name in ("iou", "false")}
    assert 0 <= scores["iou"] <= 1 and 0 <= scores["false"] <= 1
    summary = json.loads((folder / "summary.json").read_text())
    assert (summary["steps"], summary["epochs"], summary["validation"]) == (EPOCHS * STEPS, EPOCHS, scores)
    assert summary["parameters"] == {"locator": load_locator(folder).count_params()}

    def stop(done, total, what):
        if done == 4:  # after the second step; the third is the last one of its epoch
            os.kill(os.getpid(), signal.SIGTERM)

    stopped = tmp_path / "two"
    with pytest.raises(Interrupted, match=r"^stopped after step \d of 6; the same command continues$"):
        run(config(checkpoint_steps=1), stopped, stop)
    assert not (stopped / "summary.json").exists()
    assert run(config(checkpoint_steps=1), stopped) == pytest.approx(scores)
    for one, other in zip(load_locator(stopped).get_weights(), load_locator(folder).get_weights(), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)


def test_fewer_photographs_than_a_batch_are_a_mistake(config, tmp_path):
    with pytest.raises(UserError, match="fewer than training.batch_size=8"):
        run(config(batch_size=8), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_other_settings_in_the_same_folder_are_a_mistake(config, tmp_path):
    (tmp_path / "run").mkdir()
    config().save(tmp_path / "run" / "config.yaml")
    with pytest.raises(UserError, match=r"was started with training.ema=0.9, not 0.5; choose another --run"):
        run(config(ema=0.5), tmp_path / "run")
