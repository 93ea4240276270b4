import keras
import numpy as np
import pytest

from keras_deid.layers.instance_norm import InstanceNormalization


def maps(scale=1.0, shift=0.0):
    return (shift + scale * np.random.default_rng(0).normal(size=(2, 5, 6, 3))).astype("float32")


def test_by_hand():
    # mean 4, variance 5
    inputs = np.float32([[1, 3], [5, 7]])[None, :, :, None]
    outputs = keras.ops.convert_to_numpy(InstanceNormalization(epsilon=0.0)(inputs))
    np.testing.assert_allclose(outputs[0, :, :, 0], np.float32([[-3, -1], [1, 3]]) / np.sqrt(5), rtol=1e-6)


def test_each_channel_of_each_picture_is_for_itself():
    outputs = keras.ops.convert_to_numpy(InstanceNormalization()(maps(scale=7, shift=30)))
    np.testing.assert_allclose(outputs.mean(axis=(1, 2)), 0, atol=1e-5)
    np.testing.assert_allclose(outputs.std(axis=(1, 2)), 1, atol=1e-3)


@pytest.mark.parametrize("affine", [False, True])
def test_is_group_normalization_with_a_group_for_each_channel(affine):
    ours = InstanceNormalization(center=affine, scale=affine)
    kerass = keras.layers.GroupNormalization(groups=-1, epsilon=1e-5, center=affine, scale=affine)
    inputs = maps(scale=3, shift=-2)
    for layer in (ours, kerass):
        layer.build(inputs.shape)
        layer.set_weights([np.float32([1, -2, 0.5]), np.float32([0, 3, -1])] if affine else [])
    np.testing.assert_allclose(ours(inputs), kerass(inputs), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("value", [300.0, 60000.0])
def test_flat_pictures_stay_finite_in_float16(value):
    # In float16, 300^2 is infinite already.
    flat = np.full((1, 8, 8, 2), value, "float16")
    nearly = flat.copy()
    nearly[0, 0, 0] += 64
    layer = InstanceNormalization(dtype="mixed_float16")
    for inputs in (flat, nearly):
        outputs = keras.ops.convert_to_numpy(layer(inputs))
        assert outputs.dtype == np.float16
        assert np.isfinite(outputs).all()
    np.testing.assert_allclose(keras.ops.convert_to_numpy(layer(flat)), 0, atol=1e-3)
    # One value of 64 differs: it lies sqrt(63) standard deviations from the mean, whatever the difference is.
    np.testing.assert_allclose(keras.ops.convert_to_numpy(layer(nearly))[0, 0, 0], np.sqrt(63), rtol=1e-3)


def test_has_no_weights_unless_asked_for():
    layer, affine = InstanceNormalization(), InstanceNormalization(center=True, scale=True)
    for built in (layer, affine):
        built.build((None, None, None, 3))
    assert (layer.count_params(), affine.count_params()) == (0, 6)


def test_keeps_the_shape():
    assert InstanceNormalization().compute_output_shape((None, None, 8, 2)) == (None, None, 8, 2)


def test_config_round_trip_also_after_build():
    layer = InstanceNormalization(epsilon=1e-3, center=True, name="norm")
    layer.build((None, 4, 4, 3))
    again = InstanceNormalization.from_config(layer.get_config())
    assert (again.epsilon, again.center, again.scale, again.name) == (1e-3, True, False, "norm")
