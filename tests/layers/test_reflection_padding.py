import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_deid.layers.reflection_padding import ReflectionPadding2D


def test_by_hand():
    inputs = np.float32([[1, 2, 3], [4, 5, 6], [7, 8, 9]])[None, :, :, None]
    outputs = keras.ops.convert_to_numpy(ReflectionPadding2D(1)(inputs))
    expected = [[5, 4, 5, 6, 5], [2, 1, 2, 3, 2], [5, 4, 5, 6, 5], [8, 7, 8, 9, 8], [5, 4, 5, 6, 5]]
    np.testing.assert_array_equal(outputs[0, :, :, 0], expected)


@pytest.mark.parametrize("padding", [0, 1, 3])
def test_is_the_reflection_of_numpy(padding):
    inputs = np.random.default_rng(0).normal(size=(2, 4, 7, 3)).astype("float32")
    sides = (padding, padding)
    expected = np.pad(inputs, ((0, 0), sides, sides, (0, 0)), mode="reflect")
    layer = ReflectionPadding2D(padding)
    np.testing.assert_array_equal(keras.ops.convert_to_numpy(layer(inputs)), expected)
    assert layer.compute_output_shape(inputs.shape) == expected.shape


# A side of 2 * padding + 2 is the least for which the layer has a gradient of its own.
@pytest.mark.parametrize(("padding", "height", "width"), [(0, 4, 4), (1, 3, 9), (1, 4, 5), (3, 7, 12), (3, 8, 9)])
def test_the_gradient_is_that_of_padding(padding, height, width):
    random = np.random.default_rng(0)
    inputs = tf.constant(random.normal(size=(2, height, width, 3)).astype("float32"))
    weights = random.normal(size=(2, height + 2 * padding, width + 2 * padding, 3)).astype("float32")
    gradients = []
    for pad in (ReflectionPadding2D(padding), lambda x: tf.pad(x, [[0, 0], *[[padding] * 2] * 2, [0, 0]], "REFLECT")):
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            score = tf.reduce_sum(weights * pad(inputs))
        gradients.append(tape.gradient(score, inputs))
    np.testing.assert_allclose(*gradients, rtol=1e-5, atol=1e-5)


def test_sizes_may_be_unknown():
    assert ReflectionPadding2D(3).compute_output_shape((None, None, 8, 2)) == (None, None, 14, 2)
    assert ReflectionPadding2D(3)(keras.Input((None, 8, 2))).shape == (None, None, 14, 2)


def test_a_negative_padding_is_an_error():
    with pytest.raises(ValueError, match="Received: padding=-1"):
        ReflectionPadding2D(-1)


def test_config_round_trip():
    layer = ReflectionPadding2D.from_config(ReflectionPadding2D(3, name="pad").get_config())
    assert (layer.padding, layer.name) == (3, "pad")
