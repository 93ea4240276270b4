import keras
import numpy as np
import pytest

from keras_deid.explain.input_maps import CELL_WIDTHS, CELLS, INPUT, integrated_gradients, occlusion
from keras_deid.explain.maps import Explainer, cell_width, layers_of

KERNEL = np.array([1.0, -2.0, 0.5], "float32")
HEIGHT, WIDTH = 48, 32


def weighing(activation=None, height=HEIGHT, width=WIDTH):
    """A patch for each pixel, whose logit is that pixel's weighted sum, or what the activation makes of it."""
    picture = keras.Input((height, width, 3))
    logits = keras.layers.Conv2D(1, 1, use_bias=False, activation=activation)(picture)
    model = keras.Model(picture, logits)
    model.set_weights([KERNEL.reshape(1, 1, 3, 1)])
    return model


@pytest.fixture
def x():
    return np.random.default_rng(0).uniform(-1, 1, (2, HEIGHT, WIDTH, 3)).astype("float32")


@pytest.fixture
def weights():
    return np.random.default_rng(1).normal(size=(2, HEIGHT, WIDTH)).astype("float32")


def test_integrated_gradients_of_a_linear_score_are_its_terms(x, weights):
    maps = integrated_gradients(weighing())(x, weights)
    assert maps.dtype == np.float32
    np.testing.assert_allclose(maps, np.maximum((x * KERNEL).sum(axis=-1) * weights, 0), rtol=1e-5, atol=1e-5)


def test_integrated_gradients_of_squares_are_the_squares(x):
    """The gradient at the picture itself would give twice as much: the way to it counts."""
    maps = integrated_gradients(weighing(keras.ops.square))(x, np.ones((2, HEIGHT, WIDTH), "float32"))
    np.testing.assert_allclose(maps, (x * KERNEL).sum(axis=-1) ** 2, rtol=1e-4, atol=1e-6)


def test_occlusion_of_a_linear_score_is_the_sum_of_the_square_s_terms(x, weights):
    maps = occlusion(weighing())(x, weights)
    terms = (x * KERNEL).sum(axis=-1) * weights
    squares = terms.reshape(2, HEIGHT // 2, 2, WIDTH // 2, 2).sum(axis=(2, 4))
    assert maps.shape == (2, 24, CELLS) and maps.dtype == np.float32
    np.testing.assert_allclose(maps, np.maximum(squares, 0), atol=1e-4)


def test_sides_that_squares_do_not_divide_are_hidden_as_a_whole():
    size = (50, 37)
    x = np.ones((1, *size, 3), "float32")
    maps = occlusion(weighing(height=50, width=37))(x, -np.ones((1, *size), "float32"))
    assert maps.shape == (1, 22, CELLS)
    # Every pixel adds 0.5 to the score and is hidden once.
    assert maps.sum() == pytest.approx(0.5 * 50 * 37, rel=1e-5)


def test_pictures_smaller_than_the_squares():
    maps = occlusion(weighing(height=4, width=8))(-np.ones((1, 4, 8, 3), "float32"), np.ones((1, 4, 8), "float32"))
    np.testing.assert_allclose(maps, np.full((1, 4, 8), 0.5), atol=1e-5)


@pytest.mark.parametrize("method", ["integrated-gradients", "occlusion"])
def test_a_picture_s_map_is_its_own_and_of_the_weights_of_the_moment(make_network, pictures, method):
    network = make_network()
    assert layers_of(network, method) == (INPUT,)
    weights = np.random.default_rng(3).normal(size=(3, *network.model.output_shape[1:3])).astype("float32")
    explain = Explainer(network.model, layers_of(network, method), method)
    together = explain(pictures, weights)[INPUT]
    assert together.any() and together.min() >= 0
    np.testing.assert_allclose(explain(pictures[1:2], weights[1:2])[INPUT][0], together[1], rtol=1e-3, atol=1e-6)
    network.model.set_weights([2 * weight for weight in network.model.get_weights()])
    assert not np.allclose(explain(pictures, weights)[INPUT], together)


def test_how_wide_cells_are(make_network):
    assert {name: width((192, 128)) for name, width in CELL_WIDTHS.items()} == {
        "integrated-gradients": 1,
        "occlusion": 8,
    }
    size = (16, 16)
    assert [cell_width(make_network(), method, size) for method in ("gradcam", "gates", "occlusion")] == [4, 4, 1]
    assert cell_width(make_network(downsamplings=3), "gradcam", size) == 8
