import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_deid.training.gan import averaged, move_average


def network(value):
    vector = keras.Input((2,))
    model = keras.Model(vector, keras.layers.BatchNormalization()(keras.layers.Dense(1)(vector)))
    model.set_weights([np.full(weight.shape, value, "float32") for weight in model.weights])
    return model


@pytest.mark.parametrize(
    ("ema", "step", "decay"),
    [
        (0.999, 1, 1 / 11),
        (0.999, 10, 0.5),
        (0.999, 90, 0.9),
        (0.999, 9990, 0.999),
        (0.999, 10**6, 0.999),
        (0.4, 10, 0.4),
        (0.05, 1, 0.05),
    ],
)
def test_the_decay_grows_up_to_its_value(ema, step, decay):
    average, newest = network(1.0), network(3.0)
    move_average(average, newest, ema, tf.Variable(step, dtype=tf.int64))
    for mean, weight in zip(average.get_weights(), newest.get_weights(), strict=True):
        np.testing.assert_allclose(mean, decay * 1.0 + (1 - decay) * 3.0, rtol=1e-5)
        np.testing.assert_array_equal(weight, 3.0)


def test_the_first_random_weights_are_soon_forgotten():
    average, newest = network(100.0), network(0.0)
    for step in range(1, 21):
        move_average(average, newest, 0.999, tf.Variable(step, dtype=tf.int64))
    # The product of s / (s + 10) for s from 1 to 20; without the warm-up 98 would be left.
    assert average.get_weights()[0][0, 0] < 1e-4


def test_a_copy_holds_the_average():
    original = network(2.0)
    copy = averaged(original)
    assert copy is not original
    for weight, value in zip(copy.get_weights(), original.get_weights(), strict=True):
        np.testing.assert_array_equal(weight, value)
    copy.set_weights([weight + 1 for weight in copy.get_weights()])
    assert all((weight == 2.0).all() for weight in original.get_weights())
