import numpy as np
import pytest

from keras_deid.layers.spatial_attention import SpatialAttention

from .conftest import sigmoid

# Over the two channels: means [[0, 1], [2, 3]], maxima [[1, 4], [2, 5]].
MAPS = np.stack([[[1, 4], [2, 1]], [[-1, -2], [2, 5]]], axis=-1)[None].astype("float32")


def built(layer, kernel, *bias):
    layer.build(MAPS.shape)
    layer.convolution.set_weights([np.float32(kernel).reshape(layer.kernel_size, layer.kernel_size, 2, 1), *bias])
    return layer


def test_by_hand_one_position_at_a_time():
    layer = built(SpatialAttention(kernel_size=1), [3, -1])  # 3 * mean - maximum
    gate = sigmoid([[-1, -1], [4, 4]])
    np.testing.assert_allclose(layer.gate(MAPS)[0, :, :, 0], gate, rtol=1e-6)
    np.testing.assert_allclose(layer(MAPS), MAPS * gate[None, :, :, None], rtol=1e-6)


def test_by_hand_with_neighbours():
    # Weights: the mean of the neighbour above, and the maximum of the neighbour to the right; nothing beyond the edge.
    kernel = np.zeros((3, 3, 2))
    kernel[0, 1, 0] = 1
    kernel[1, 2, 1] = 1
    layer = built(SpatialAttention(kernel_size=3, gate_bias=0.5), kernel, np.float32([0.5]))
    logits = np.float32([[0 + 4, 0 + 0], [0 + 5, 1 + 0]]) + 0.5
    np.testing.assert_allclose(layer.gate(MAPS)[0, :, :, 0], sigmoid(logits), rtol=1e-6)


@pytest.mark.parametrize(("bias", "start", "weights"), [(None, 0.5, 98), (4.0, sigmoid(4), 99)])
def test_where_the_gate_starts(bias, start, weights):
    layer = SpatialAttention(gate_bias=bias)
    layer.build((None, None, None, 256))
    assert layer.count_params() == weights
    zeros = np.zeros((1, 3, 4, 256), "float32")
    np.testing.assert_allclose(layer.gate(zeros), np.full((1, 3, 4, 1), start), rtol=1e-6)


def test_keeps_shape_and_dtype():
    layer = SpatialAttention(dtype="mixed_float16")
    assert layer(MAPS).dtype == "float16"
    assert layer.compute_output_shape((None, None, 8, 2)) == (None, None, 8, 2)


@pytest.mark.parametrize("bias", [None, 4.0])
def test_config_round_trip(bias):
    again = SpatialAttention.from_config(SpatialAttention(5, bias, name="where").get_config())
    assert (again.kernel_size, again.gate_bias, again.name) == (5, bias, "where")
