import keras
import numpy as np
import pytest

from keras_deid.explain.gates import attention_gates


@pytest.mark.parametrize("attention", ["between", "branch"])
def test_gates_times_input_are_the_module(make_network, pictures, attention):
    network = make_network(attention=attention)
    gates = attention_gates(network, pictures)
    assert list(gates) == ["cbam_1", "cbam_2"]
    for name, gate in gates.items():
        module = network.generator.get_layer(name)
        inside, outside = keras.Model(network.generator.input, [module.input, module.output])(pictures)
        assert gate.spatial.shape == (3, 4, 4) and gate.channel.shape == (3, 16)
        product = np.asarray(inside) * gate.channel[:, None, None] * gate.spatial[..., None]
        np.testing.assert_allclose(product, outside, rtol=1e-5, atol=1e-6)


def test_one_module(make_network, pictures):
    assert list(attention_gates(make_network(blocks=1), pictures)) == ["cbam_1"]


def test_none(make_network, pictures):
    assert attention_gates(make_network(attention="none"), pictures) == {}
