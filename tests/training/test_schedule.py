import keras
import numpy as np
import pytest

from keras_deid.training.schedule import ConstantThenLinear


@pytest.mark.parametrize(
    ("step", "rate"), [(0, 0.8), (9, 0.8), (10, 0.8), (11, 0.6), (12, 0.4), (13, 0.2), (14, 0.0), (15, 0.0), (99, 0.0)]
)
def test_by_hand(step, rate):
    assert float(ConstantThenLinear(0.8, 10, 4)(step)) == pytest.approx(rate, abs=1e-6)


def test_without_decay_it_never_falls():
    schedule = ConstantThenLinear(0.8, 10, 0)
    assert [float(schedule(step)) for step in (0, 10, 10**9)] == pytest.approx([0.8] * 3)


def test_may_fall_from_the_start():
    assert [float(ConstantThenLinear(1.0, 0, 4)(step)) for step in range(5)] == [1.0, 0.75, 0.5, 0.25, 0.0]


def test_an_optimizer_follows_it():
    optimizer = keras.optimizers.SGD(ConstantThenLinear(1.0, 1, 2))
    weight = keras.Variable(np.float32(0))
    optimizer.build([weight])
    positions = []
    for _ in range(4):
        optimizer.apply([np.float32(-1)], [weight])
        positions.append(float(weight.numpy()))
    assert positions == [1.0, 2.0, 2.5, 2.5]


def test_config_round_trip():
    schedule = ConstantThenLinear(0.5, 3, 7)
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(schedule))
    assert again.get_config() == {"learning_rate": 0.5, "constant_steps": 3, "decay_steps": 7}
