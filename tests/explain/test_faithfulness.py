import keras
import numpy as np
import pytest

from keras_deid.explain.faithfulness import STEPS, Curves, faithfulness

WEIGHTS = np.full((1, 10, 10), 1 / 100, np.float32)


@pytest.fixture
def brightness():
    """A network whose score is the mean of the first channel."""
    picture = keras.Input((10, 10, 3))
    return keras.Model(picture, keras.layers.Conv2D(1, 1, kernel_initializer=_first, use_bias=False)(picture))


def _first(shape, dtype=None):
    return np.float32([1, 0, 0]).reshape(shape)


def one_bright_half():
    x = np.zeros((1, 10, 10, 3), np.float32)
    x[0, :, :5] = 1
    return x


def test_worked_out(brightness):
    x = one_bright_half()
    curves = faithfulness(brightness, x, x[..., 0], WEIGHTS)
    # A fifth of the pixels at each step, all of them from the bright half first: 0.5, 0.3, 0.1, then nothing is left.
    np.testing.assert_allclose(curves.deletion, [[0.5, 0.3, 0.1, 0, 0, 0]], atol=1e-6)
    assert STEPS == 5
    # The blur keeps about the mean; real pixels bring the real mean back in the end.
    assert curves.insertion[0, -1] == pytest.approx(0.5)
    assert curves.areas()[0][0] == pytest.approx(0.2 * (0.25 + 0.3 + 0.1))


def test_the_opposite_order_is_worse_at_both(brightness):
    x = one_bright_half()
    good, bad = (faithfulness(brightness, x, order, WEIGHTS).areas() for order in (x[..., 0], -x[..., 0]))
    assert good[0] < bad[0]
    assert good[1] > bad[1]


def test_area():
    flat = np.ones((2, STEPS + 1))
    np.testing.assert_allclose(Curves(flat, 3 * flat).areas(), [[1, 1], [3, 3]])
