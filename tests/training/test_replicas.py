import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from keras_deid import losses
from keras_deid.config import Config
from keras_deid.errors import UserError
from keras_deid.training.replicas import (
    mean_of_replicas,
    on_whole_batch,
    rows_of_whole_batch,
    see_whole_batch,
    share_of_gradients,
)
from keras_deid.training.run import run
from keras_deid.training.workers import Workers

from .conftest import least_generator

HERE = Path(__file__).parent
# The fixture compiles some twenty networks, which takes a minute; on a busy machine, several.
pytestmark = pytest.mark.timeout(1200)


@pytest.fixture(scope="module")
def found():
    """What `two_devices.py` has found, by case."""
    process = subprocess.run(
        [sys.executable, HERE / "two_devices.py"],
        env={**os.environ, "PYTHONPATH": str(HERE.parents[1])},
        stdout=subprocess.PIPE,
        text=True,
        timeout=900,
        check=True,
    )
    return dict(json.loads(line) for line in process.stdout.splitlines())


# ---- Two devices ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", ["paired", "paired, all terms", "unpaired", "unconditional", "locate"])
def test_two_devices_train_as_one(found, case):
    result = found[case]
    assert result["steps"] == [20, 20]
    assert result["moved"] > 0.05
    assert result["weights"] < 2e-5
    assert result["losses"] < 5e-6
    assert result["copies"] == 0  # both devices hold the same, to the bit


def test_the_locator_itself_differs_by_rounding_only(found):
    """In float32 each step enlarges what rounding leaves; in float64 that remains far below any mistake."""
    result = found["locate, the real network in float64"]
    assert result["steps"] == [20, 20]
    assert result["moved"] > 0.05
    assert result["weights"] < 1e-8
    assert result["losses"] < 1e-6  # logged in float32
    assert result["copies"] == 0


def test_what_two_devices_began_one_continues_and_two_finish(found):
    result = found["continued"]
    assert result["steps"] == [13, 20]  # the last part
    assert result["moved"] > 0.05
    assert result["weights"] < 2e-5
    assert result["copies"] == 0


@pytest.mark.parametrize("device", ["first", "second"])
def test_an_overflow_on_either_device_is_left_out_on_both(found, device):
    result = found[f"overflow on the {device}"]
    assert result["left out"] == 0
    assert result["scales"] == [[8.0, 8.0], [8.0, 8.0]]  # G's and D's on both devices, from 16
    assert result["went on"] > 1e-3 and result["copies"] == 0


def test_dropout_differs_between_the_devices(found):
    assert 0.4 < found["dropout"] < 0.6


# ---- One device -----------------------------------------------------------------------------------------------------


def test_one_device_shares_with_nobody():
    rows = tf.constant([[1.0], [2.0]])
    np.testing.assert_array_equal(mean_of_replicas(rows), rows)
    np.testing.assert_array_equal(on_whole_batch(lambda whole: whole[::-1], rows), [[2.0], [1.0]])
    np.testing.assert_array_equal(rows_of_whole_batch(tf.range, 3), [0, 1, 2])
    (gradient,) = share_of_gradients([tf.constant([np.nan, 1.0])])
    np.testing.assert_array_equal(gradient, [np.nan, 1.0])


def test_one_device_keeps_its_layers():
    import keras

    picture = keras.Input((4, 4, 3))
    network = keras.Model(picture, keras.layers.Dropout(0.5)(keras.layers.BatchNormalization()(picture)))
    see_whole_batch([network, least_generator()])
    assert not network.layers[1].synchronized
    assert "next" not in vars(network.layers[2].seed_generator)


def test_parts_of_a_batch_have_the_mean_and_the_dice_of_the_whole():
    random = np.random.default_rng(0)
    values, logits = random.normal(size=(2, 4, 3, 3, 1)).astype("float32")
    mask = (random.random((4, 3, 3, 1)) < [[[[0.1]]], [[[0.2]]], [[[0.9]]], [[[1.0]]]]).astype("float32")
    area = mask.sum() / 2
    halves = [losses.mean_inside(values[part], mask[part], area) for part in (slice(2), slice(2, 4))]
    assert np.mean(halves) == pytest.approx(float(losses.mean_inside(values, mask)), rel=1e-5)
    halves = [float(losses.dice(logits[part], mask[part])) for part in (slice(2), slice(2, 4))]
    assert np.mean(halves) == pytest.approx(float(losses.dice(logits, mask)), rel=1e-5)


# ---- Strategies -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("strategy", ["auto", "one"])
def test_without_gpus_there_is_one_device(strategy):
    workers = Workers(strategy)
    assert (workers.replicas, workers.this.chief) == (1, True)
    assert workers.strategy is tf.distribute.get_strategy()
    workers.check_batch_size(1)
    workers.wait()
    workers.check_alike(step=3)


def test_mirrored_takes_all_devices_of_a_kind():
    workers = Workers("mirrored")
    assert isinstance(workers.strategy, tf.distribute.MirroredStrategy)
    assert workers.replicas == len(tf.config.list_logical_devices("CPU"))


def test_a_batch_that_the_devices_cannot_share_is_a_mistake():
    workers = Workers("one")
    workers.strategy = type("Strategy", (), {"num_replicas_in_sync": 3})()
    workers.check_batch_size(6)
    with pytest.raises(UserError) as raised:
        workers.check_batch_size(4)
    assert str(raised.value) == (
        "training.batch_size=4 cannot be shared by 3 devices: give a multiple of 3, or training.strategy=one"
    )


@pytest.mark.parametrize(("first", "second"), [("mirrored", "one"), ("one", "mirrored")])
def test_a_run_may_continue_on_other_devices(tiny, tmp_path, first, second):
    def config(strategy, epochs) -> Config:
        return tiny(
            data={"synthetic": {"train": 4, "val": 1, "test": 1}},
            generator={"attention": "none"},
            training={"strategy": strategy, "epochs": epochs, "decay_epochs": 0, "ema": 0.5, "pool": 2},
        )

    run(config(first, 1), tmp_path / "run")
    run(config(second, 2), tmp_path / "run")
    assert tf.train.latest_checkpoint(tmp_path / "run" / "checkpoints").endswith("ckpt-4")
