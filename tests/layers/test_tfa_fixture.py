"""Instance normalization as tensorflow-addons computed it; fixtures/make_tfa_instance_norm.py wrote the values."""

from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_deid.layers.instance_norm import InstanceNormalization

STORED = np.load(Path(__file__).parent / "fixtures" / "tfa_instance_norm.npz")
CASES = sorted({key.split("/")[0] for key in STORED})


def group_normalization(**settings):
    return keras.layers.GroupNormalization(groups=-1, **settings)


def stored(case):
    return {key.split("/")[1]: STORED[key] for key in STORED if key.startswith(f"{case}/")}


def built(make_layer, values):
    layer = make_layer(epsilon=float(values["epsilon"]), center="beta" in values, scale="gamma" in values)
    layer.build(values["inputs"].shape)
    if "gamma" in values:
        layer.gamma.assign(values["gamma"])
    if "beta" in values:
        layer.beta.assign(values["beta"])
    return layer


@pytest.fixture(params=[InstanceNormalization, group_normalization])
def make_layer(request):
    return request.param


@pytest.mark.parametrize("case", CASES)
def test_outputs_are_those_of_tensorflow_addons(make_layer, case):
    values = stored(case)
    outputs = keras.ops.convert_to_numpy(built(make_layer, values)(values["inputs"]))
    # A nearly flat map is divided by about sqrt(epsilon): the rounding of its mean grows 300 times.
    np.testing.assert_allclose(outputs, values["outputs"], rtol=1e-5, atol=5e-5)


@pytest.mark.parametrize("case", CASES)
def test_gradients_are_those_of_tensorflow_addons(make_layer, case):
    values = stored(case)
    layer = built(make_layer, values)
    inputs = tf.constant(values["inputs"])
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        score = tf.reduce_sum(layer(inputs) * values["weights"])
    by = {"inputs": inputs} | {key: getattr(layer, key).value for key in ("gamma", "beta") if key in values}
    gradients = tape.gradient(score, by)
    for key, gradient in gradients.items():
        expected = values[f"{key}_gradient"]
        np.testing.assert_allclose(gradient, expected, rtol=1e-4, atol=2e-5 * max(1.0, np.abs(expected).max()))


def test_a_flat_map_becomes_beta(make_layer):
    values = stored("flat")
    outputs = keras.ops.convert_to_numpy(built(make_layer, values)(values["inputs"]))
    np.testing.assert_allclose(outputs, np.broadcast_to(values["beta"], outputs.shape), atol=5e-5)


def test_the_default_epsilon_is_the_reference_networks_one():
    # Keras's GroupNormalization has 1e-3, tensorflow-addons too; PyTorch's InstanceNorm2d, which Pix2Pix and CycleGAN
    # were published with, has 1e-5.
    assert InstanceNormalization().epsilon == 1e-5
