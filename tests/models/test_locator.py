import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_deid.errors import UserError
from keras_deid.models.locator import MULTIPLE, STRIDE, locator
from keras_deid.models.saved import load_locator


def counted(filters, blocks):
    """Parameters by hand: convolutions without bias, four numbers of batch normalization a channel, one verdict."""
    f = filters
    convolutions = [(25, 3, f), (9, f, 2 * f), (9, 2 * f, 2 * f)]
    convolutions += [(9, 2 * f, 3 * f), (9, 3 * f, 3 * f), (9, 3 * f, 4 * f), (9, 4 * f, 4 * f)]
    convolutions += [(9, 4 * f, 4 * f), (9, 4 * f, 4 * f)] + blocks * [(9, 4 * f, 4 * f)]
    convolutions += [(1, 4 * f, 4 * f), (9, 4 * f, 4 * f), (1, 4 * f, 3 * f), (9, 3 * f, 3 * f)]
    convolutions += [(1, 3 * f, 2 * f), (9, 2 * f, 2 * f)]
    return sum(size * before * after + 4 * after for size, before, after in convolutions) + 2 * f + 1


def pictures(height, width, count=1):
    return np.random.default_rng(0).uniform(-1, 1, (count, height, width, 3)).astype("float32")


@pytest.mark.parametrize("how", [{}, {"filters": 8, "blocks": 1}, {"filters": 8, "blocks": 0}])
def test_parameter_counts(how):
    assert locator(**how).count_params() == counted(how.get("filters", 12), how.get("blocks", 4))


def test_with_a_float_each_it_has_less_than_a_megabyte():
    assert 4 * locator().count_params() < 1_000_000


@pytest.mark.parametrize("size", [(32, 32), (64, 96), (32, 160)])
def test_any_size_that_is_a_multiple(size):
    model = locator(filters=8, blocks=1)
    assert model.input_shape == (None, None, None, 3) and model.output_shape == (None, None, None, 1)
    logits = model(pictures(*size, count=2))
    assert all(side % MULTIPLE == 0 for side in size)
    assert logits.shape == (2, size[0] // STRIDE, size[1] // STRIDE, 1)
    assert np.isfinite(logits).all()


def test_a_fixed_size():
    assert locator((64, 96, 3), filters=8, blocks=1).output_shape == (None, 16, 24, 1)


def test_before_training_little_is_marked():
    logits = np.asarray(locator(filters=8, blocks=1)(pictures(64, 64)))
    assert (logits < 0).mean() > 0.9  # the bias of -2 says 12 %


@pytest.mark.parametrize("precision", ["mixed_float16", "mixed_bfloat16"])
def test_logits_are_float32(policy, precision):
    policy(precision)
    model = locator(filters=8, blocks=1)
    assert model.get_layer("stem_1_conv").compute_dtype == precision.removeprefix("mixed_")
    assert model(pictures(32, 32)).dtype == tf.float32


def test_it_saves_and_loads(tmp_path):
    model = locator(filters=8, blocks=1)
    model.save(tmp_path / "locator.keras")
    loaded = load_locator(tmp_path)
    np.testing.assert_allclose(loaded(pictures(32, 64)), model(pictures(32, 64)), atol=1e-6)


def test_what_is_no_locator_is_one_line(tmp_path):
    with pytest.raises(UserError, match=r"locator\.keras: no such file; train the run first"):
        load_locator(tmp_path)
    picture = keras.Input((None, None, 3))
    keras.Model(picture, keras.layers.Conv2D(3, 1)(picture)).save(tmp_path / "locator.keras")
    with pytest.raises(UserError, match=r"locator\.keras: expected a locator, pictures in and one map out") as error:
        load_locator(tmp_path)
    assert "\n" not in str(error.value)
