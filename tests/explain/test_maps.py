import keras
import numpy as np
import pytest
import tensorflow as tf
from tf_keras_vis.gradcam import Gradcam

from keras_deid.explain.gates import attention_gates
from keras_deid.explain.input_maps import INPUT_METHODS
from keras_deid.explain.maps import GATES, METHODS, Explainer, attention_maps, enlarge, patch_probabilities
from keras_deid.explain.targets import TARGETS, PatchView

MASK = np.zeros((3, 16, 16))
MASK[:, 2:6, 9:13] = 1


def weights_of(network, target):
    return TARGETS[target].patch_weights(MASK, PatchView.of(network.discriminator), *network.model.output_shape[1:3])


def by_hand(network, layer, x, weights, compiled=False):
    """Grad-CAM, eq. 1 and 2, and the score's own definition."""
    inner = keras.Model(network.model.input, [network.model.get_layer(layer).output, network.model.output])

    def features_and_gradients():
        with tf.GradientTape() as tape:
            features, logits = inner(x, training=False)
            score = tf.reduce_sum(tf.cast(logits[..., 0], tf.float32) * weights)
        return tf.cast(features, tf.float32), tf.cast(tape.gradient(score, features), tf.float32)

    features, gradients = (tf.function(features_and_gradients) if compiled else features_and_gradients)()
    alphas = gradients.numpy().mean(axis=(1, 2), keepdims=True)
    return np.maximum((alphas * features.numpy()).sum(axis=-1), 0)


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("layer", ["cbam_1", "cbam_2"])
def test_gradcam_is_the_one_worked_out_by_hand(make_network, pictures, target, layer):
    network = make_network()
    weights = weights_of(network, target)
    maps = attention_maps(network.model, layer, pictures, weights)
    assert maps.shape == (3, 4, 4) and maps.max() > 0
    np.testing.assert_allclose(maps, by_hand(network, layer, pictures, weights), rtol=1e-4, atol=1e-9)


@pytest.mark.parametrize("options", [{"attention": "none"}, {"attention": "branch"}, {"channels": 6}])
def test_of_other_networks(make_network, pictures, options):
    network = make_network(**options)
    weights, layer = weights_of(network, "real"), network.layers[-1]
    maps = attention_maps(network.model, layer, pictures, weights)
    np.testing.assert_allclose(maps, by_hand(network, layer, pictures, weights), rtol=1e-4, atol=1e-9)


@pytest.mark.parametrize("precision", ["mixed_bfloat16", "mixed_float16"])
def test_with_mixed_precision(make_network, pictures, policy, precision):
    policy(precision)
    network = make_network()
    weights = weights_of(network, "real")
    maps = attention_maps(network.model, "cbam_1", pictures, weights)
    assert maps.dtype == np.float32 and maps.max() > 0
    np.testing.assert_allclose(maps, by_hand(network, "cbam_1", pictures, weights), rtol=1e-3, atol=1e-7)


@pytest.mark.parametrize("method", [method for method in METHODS if method not in (GATES, *INPUT_METHODS)])
@pytest.mark.parametrize("options", [{}, {"attention": "none"}, {"global_skip": True}, {"channels": 6}], ids=str)
def test_maps_of_all_layers_are_the_library_s(make_network, pictures, method, options):
    network = make_network(**options)
    weights = np.random.default_rng(3).normal(size=weights_of(network, "real").shape).astype("float32")
    together = Explainer(network.model, network.layers, method)(pictures, weights)
    assert tuple(together) == network.layers
    assert any(maps.any() for maps in together.values())
    for layer, maps in together.items():
        assert maps.dtype == np.float32
        expected = attention_maps(network.model, layer, pictures, weights, method)
        np.testing.assert_allclose(maps, expected, rtol=1e-4, atol=1e-9)


@pytest.mark.parametrize("layers", [("cbam_1", "cbam_2"), ("cbam_2",)])
def test_maps_of_all_layers_with_mixed_precision(make_network, pictures, policy, layers):
    policy("mixed_float16")
    network = make_network()
    weights = weights_of(network, "real")
    for layer, maps in Explainer(network.model, layers)(pictures, weights).items():
        # Processors that compute in float16 round at other places when operations are compiled together.
        expected = by_hand(network, layer, pictures, weights, compiled=True)
        np.testing.assert_allclose(maps, expected, rtol=1e-2, atol=1e-5)


def test_maps_of_all_layers_with_bfloat16(make_network, pictures, policy):
    policy("mixed_bfloat16")
    network = make_network()
    weights = weights_of(network, "real")
    for layer, maps in Explainer(network.model, network.layers)(pictures, weights).items():
        # Compiled, values are rounded to 8 bits at other places than when one operation follows the other.
        expected = by_hand(network, layer, pictures, weights)
        assert maps.dtype == np.float32
        assert np.corrcoef(maps.ravel(), expected.ravel())[0, 1] > 0.9


def test_one_pass_serves_all_layers_and_batches(make_network, pictures, monkeypatch):
    network = make_network()
    passes = []
    gradient = tf.GradientTape.gradient
    monkeypatch.setattr(tf.GradientTape, "gradient", lambda *words, **options: passes.append(1) or gradient(*words))
    explain, weights = Explainer(network.model, network.layers), weights_of(network, "real")
    whole, last = explain(pictures, weights), explain(pictures[2:], weights[2:])
    assert passes == [1]  # that which was compiled
    for layer in network.layers:
        np.testing.assert_allclose(last[layer], whole[layer][2:], rtol=1e-4, atol=1e-9)


def test_new_weights_are_seen(make_network, pictures):
    network = make_network()
    explain, weights = Explainer(network.model, ["cbam_1"]), weights_of(network, "real")
    before = explain(pictures, weights)["cbam_1"]
    network.model.set_weights([2 * weight for weight in network.model.get_weights()])
    after = explain(pictures, weights)["cbam_1"]
    assert not np.allclose(before, after)
    expected = attention_maps(network.model, "cbam_1", pictures, weights)
    np.testing.assert_allclose(after, expected, rtol=1e-4, atol=1e-9)


def test_a_picture_s_map_does_not_depend_on_its_batch(make_network, pictures):
    network = make_network()
    weights = weights_of(network, "masked-patches")
    together = attention_maps(network.model, "cbam_2", pictures, weights)
    alone = [attention_maps(network.model, "cbam_2", pictures[[i]], weights[[i]])[0] for i in range(3)]
    np.testing.assert_allclose(together, alone, rtol=1e-4, atol=1e-9)


def test_the_library_left_alone_looks_at_another_layer(make_network, pictures):
    """Why `seek_penultimate_conv_layer` has to be off."""
    network = make_network()
    walked_back = Gradcam(network.model)(
        lambda output: tf.reduce_mean(output, axis=(1, 2, 3)),
        pictures,
        penultimate_layer="cbam_2",
        normalize_cam=False,
        expand_cam=False,
    )
    maps = attention_maps(network.model, "cbam_2", pictures, weights_of(network, "real"))
    assert not np.allclose(walked_back, maps)


@pytest.mark.parametrize("method", [method for method in METHODS if method not in (GATES, *INPUT_METHODS)])
def test_every_method_gives_maps_of_the_layer(make_network, pictures, method):
    network = make_network()
    maps = attention_maps(network.model, "cbam_2", pictures, weights_of(network, "real"), method)
    assert maps.shape == (3, 4, 4) and maps.dtype == np.float32
    assert np.isfinite(maps).all() and maps.min() >= 0


def test_layercam_is_the_one_worked_out_by_hand(make_network, pictures):
    network = make_network()
    weights = weights_of(network, "fake")
    inner = keras.Model(network.model.input, [network.model.get_layer("cbam_2").output, network.model.output])
    with tf.GradientTape() as tape:
        features, logits = inner(pictures, training=False)
        score = tf.reduce_sum(logits[..., 0] * weights)
    gradients = np.maximum(tape.gradient(score, features), 0)
    expected = np.maximum((gradients * features.numpy()).sum(axis=-1), 0)
    maps = attention_maps(network.model, "cbam_2", pictures, weights, "layercam")
    np.testing.assert_allclose(maps, expected, rtol=1e-4, atol=1e-9)


def test_scorecam_weighs_channels_by_the_probability_of_real(make_network, pictures):
    network = make_network()
    features = np.asarray(keras.Model(network.model.input, network.model.get_layer("cbam_2").output)(pictures))
    expected = np.zeros((3, 4, 4))
    for channel in range(features.shape[-1]):
        # As the library enlarges: corner on corner.
        grown = tf.image.resize(features[..., channel, None], (16, 16)).numpy()
        low, high = (bound(grown, axis=(1, 2, 3), keepdims=True) for bound in (np.min, np.max))
        logits = network.model(pictures * (grown - low) / (high - low + 1e-7)).numpy()
        expected += features[..., channel] * (1 / (1 + np.exp(-logits))).mean(axis=(1, 2, 3))[:, None, None]
    maps = attention_maps(network.model, "cbam_2", pictures, weights_of(network, "real"), "scorecam")
    correlation = np.corrcoef(maps.ravel(), np.maximum(expected, 0).ravel())[0, 1]
    assert correlation > 0.99
    assert maps.sum() == pytest.approx(np.maximum(expected, 0).sum(), rel=0.02)


def test_probabilities_of_patches(make_network, pictures):
    network = make_network()
    logits = network.model(pictures).numpy().reshape(3, -1)
    probabilities = tf.nn.softmax(patch_probabilities(network.model)(pictures)).numpy() * logits.shape[1]
    np.testing.assert_allclose(probabilities[:, : logits.shape[1]], 1 / (1 + np.exp(-logits)), rtol=1e-4)
    np.testing.assert_allclose(probabilities[:, logits.shape[1] :], 1 / (1 + np.exp(logits)), rtol=1e-4)


def test_no_patch_no_map(make_network, pictures):
    network = make_network()
    weights = np.zeros_like(weights_of(network, "real"))
    assert not attention_maps(network.model, "cbam_1", pictures, weights).any()


def test_enlarging_lays_cells_over_their_pixels():
    grown = enlarge(np.float32([[[0, 1]]]), (1, 8))
    np.testing.assert_allclose(grown[0, 0], [0, 0, 0.125, 0.375, 0.625, 0.875, 1, 1])
    one = np.zeros((1, 4, 4), np.float32)
    one[0, 1, 2] = 1
    grown = enlarge(one, (16, 16))[0]
    rows, columns = np.mgrid[:16, :16]
    centre = (grown * rows).sum() / grown.sum(), (grown * columns).sum() / grown.sum()
    assert centre == pytest.approx((1.5 * 4 - 0.5, 2.5 * 4 - 0.5))


@pytest.mark.parametrize("options", [{}, {"attention": "branch"}, {"channels": 6}, {"blocks": 1}], ids=str)
def test_gates_are_maps(make_network, pictures, options):
    network = make_network(**options)
    maps = Explainer(network.model, network.layers, GATES)(pictures, weights_of(network, "real"))
    gates = attention_gates(network, pictures)
    assert list(maps) == list(gates)
    for layer, gate in gates.items():
        assert maps[layer].shape == (3, 4, 4) and (maps[layer].min(axis=(1, 2)) == 0).all() and maps[layer].any()
        np.testing.assert_allclose(np.diff(maps[layer]), np.diff(gate.spatial), atol=1e-6)
