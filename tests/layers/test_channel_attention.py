import keras
import numpy as np
import pytest

from keras_deid.layers.channel_attention import ChannelAttention

from .conftest import sigmoid

# Two channels on a 2 x 2 map: means 2.5 and 0, maxima 4 and 3.
MAPS = np.stack([[[1, 2], [3, 4]], [[-3, -1], [1, 3]]], axis=-1)[None].astype("float32")


def test_by_hand():
    layer = ChannelAttention(reduction=2)
    layer.build(MAPS.shape)
    layer.squeeze.set_weights([np.float32([[1], [-1]]), np.float32([-2])])
    layer.excite.set_weights([np.float32([[2, -1]]), np.float32([0.25, 0.5])])
    # hidden unit: relu(2.5 - 0 - 2) = 0.5 for the means, relu(4 - 3 - 2) = 0 for the maxima
    # logits: (2 * 0.5 + 0.25) + 0.25 = 1.5 and (-1 * 0.5 + 0.5) + 0.5 = 0.5
    gate = sigmoid([1.5, 0.5])
    np.testing.assert_allclose(layer.gate(MAPS), gate.reshape(1, 1, 1, 2), rtol=1e-6)
    np.testing.assert_allclose(layer(MAPS), MAPS * gate, rtol=1e-6)


@pytest.mark.parametrize(("bias", "start"), [(0.0, 0.5), (2.0, sigmoid(4))])
def test_the_bias_counts_twice_in_where_the_gate_starts(bias, start):
    layer = ChannelAttention(2, gate_bias=bias)
    layer.build((None, 3, 3, 4))
    np.testing.assert_allclose(layer.gate(np.zeros((1, 3, 3, 4), "float32")), np.full((1, 1, 1, 4), start), rtol=1e-6)


def test_maps_of_unknown_size_have_the_same_gate():
    layer = ChannelAttention(2)
    maps = np.random.default_rng(0).normal(size=(2, 5, 3, 4)).astype("float32") - 4  # all below zero
    picture = keras.Input((None, None, 4))
    np.testing.assert_allclose(keras.Model(picture, layer(picture))(maps), layer(maps), rtol=1e-6)


def test_pictures_of_a_batch_do_not_see_each_other():
    layer = ChannelAttention(2)
    pictures = np.random.default_rng(0).normal(size=(3, 4, 5, 4)).astype("float32")
    together = keras.ops.convert_to_numpy(layer(pictures))
    alone = np.concatenate([layer(pictures[index : index + 1]) for index in range(3)])
    np.testing.assert_allclose(together, alone, rtol=1e-5)


def test_has_the_perceptron_s_weights():
    layer = ChannelAttention(16)
    layer.build((None, None, None, 256))
    assert layer.count_params() == 256 * 16 + 16 + 16 * 256 + 256 == 8464


@pytest.mark.parametrize("channels", [10, 2, None])
def test_a_reduction_that_does_not_divide_is_an_error(channels):
    with pytest.raises(ValueError, match="reduction=4, input_shape="):
        ChannelAttention(4).build((None, 8, 8, channels))


def test_keeps_shape_and_dtype():
    layer = ChannelAttention(2, dtype="mixed_float16")
    assert layer(MAPS).dtype == "float16"
    assert layer.compute_output_shape((None, None, 8, 2)) == (None, None, 8, 2)


def test_config_round_trip():
    again = ChannelAttention.from_config(ChannelAttention(8, 2.0, name="which").get_config())
    assert (again.reduction, again.gate_bias, again.name) == (8, 2.0, "which")
