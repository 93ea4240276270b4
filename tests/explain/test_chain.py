import keras
import numpy as np
import pytest

from keras_deid.errors import UserError
from keras_deid.explain.chain import (
    BLOCK_ENDS,
    BRANCH_ENDS,
    CBAM_IN_BRANCHES,
    CBAM_MODULES,
    STAGE_ENDS,
    chain,
)
from keras_deid.explain.maps import Explainer, attention_maps
from keras_deid.models.dcgan import dcgan_generator
from keras_deid.models.patch_discriminator import patch_discriminator
from keras_deid.models.resnet_generator import resnet_generator
from keras_deid.models.unet_generator import unet_generator


def test_it_is_d_after_g(make_network, pictures):
    network = make_network()
    expected = network.discriminator(network.generator(pictures))
    np.testing.assert_allclose(network.model(pictures), expected, rtol=1e-6)


def test_a_conditional_d_sees_the_picture_first(make_network, pictures):
    network = make_network(channels=6)
    pair = np.concatenate([pictures, np.asarray(network.generator(pictures))], axis=-1)
    np.testing.assert_allclose(network.model(pictures), network.discriminator(pair), rtol=1e-6)


def test_weights_are_shared_and_layers_within_reach(make_network):
    network = make_network()
    assert network.model.get_layer("cbam_2") is network.generator.get_layer("cbam_2")
    shared = {id(weight) for weight in network.generator.weights + network.discriminator.weights}
    assert {id(weight) for weight in network.model.weights} == shared


@pytest.mark.parametrize(
    ("attention", "layers", "places"),
    [
        ("between", ("cbam_1", "cbam_2"), CBAM_MODULES),
        ("branch", ("cbam_1", "cbam_2"), CBAM_IN_BRANCHES),
        ("none", ("block_1_sum", "block_2_sum"), BLOCK_ENDS),
    ],
)
def test_the_layers_are_those_of_one_depth(make_network, attention, layers, places):
    network = make_network(attention=attention)
    assert (network.layers, network.places) == (layers, places)
    assert network.has_attention == (attention != "none")


@pytest.mark.parametrize(
    ("attention", "normalization", "layers", "places"),
    [
        ("between", "none", ("block_1_sum", "block_2_sum"), BLOCK_ENDS),
        ("branch", "none", ("block_1b_conv", "block_2b_conv"), BRANCH_ENDS),
        ("branch", "instance", ("block_1b_norm", "block_2b_norm"), BRANCH_ENDS),
    ],
)
def test_a_network_without_cbam_is_looked_at_where_the_other_has_its_modules(
    make_network, attention, normalization, layers, places
):
    ours = make_network(attention=attention)
    plain = make_network(attention="none", normalization=normalization)
    without = chain(plain.generator, plain.discriminator, ours)
    assert (without.layers, without.places, without.has_attention) == (layers, places, False)


def test_of_a_u_net_the_layers_are_the_ends_of_its_decoder_s_stages(pictures):
    generator = unet_generator((16, 16, 3), filters=4)
    network = chain(generator, patch_discriminator((16, 16, 6), filters=4, layers=1, normalization="batch"))
    assert (network.layers, network.places, network.has_attention) == (("up_1", "up_2", "up_3"), STAGE_ENDS, False)
    assert [network.model.get_layer(name).output.shape[1:3] for name in network.layers] == [(2, 2), (4, 4), (8, 8)]
    weights = np.random.default_rng(0).normal(size=(3, *network.model.output_shape[1:3])).astype("float32")
    for layer, maps in Explainer(network.model, network.layers)(pictures, weights).items():
        expected = attention_maps(network.model, layer, pictures, weights)
        np.testing.assert_allclose(maps, expected, rtol=1e-4, atol=1e-9)


def test_a_generator_that_draws_has_none():
    with pytest.raises(UserError, match="drawing_generator.* there is no layer to take maps at"):
        chain(dcgan_generator((16, 16, 3), filters=4), patch_discriminator((16, 16, 3), filters=4, layers=1))


def test_a_generator_without_a_layer_to_look_at():
    picture = keras.Input((16, 16, 3))
    plain = keras.Model(picture, keras.layers.Conv2D(3, 1)(picture))
    with pytest.raises(UserError, match="no layer to take maps at"):
        chain(plain, patch_discriminator((16, 16, 3), filters=4, layers=1))


def test_networks_of_different_runs():
    generator = resnet_generator((16, 16, 3), filters=4, blocks=1, reduction=4)
    with pytest.raises(UserError, match=r"takes pictures of \(32, 32\), the generator gives \(16, 16\)"):
        chain(generator, patch_discriminator((32, 32, 3), filters=4, layers=1))
