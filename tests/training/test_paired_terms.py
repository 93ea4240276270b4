"""The terms that the paper does not have: feature matching, the perceptual distance, the fading in."""

import keras
import numpy as np
import pytest

from keras_deid import losses
from keras_deid.training import networks
from keras_deid.training.networks import build_gan
from keras_deid.training.paired import PairedGAN

from .conftest import SIDE, least_generator, weights_of


def layered_discriminator(channels=3):
    """The least D with layers to be matched."""
    picture = keras.Input((SIDE, SIDE, channels))
    x = keras.layers.LeakyReLU(0.2, name="patch_1_relu")(keras.layers.Conv2D(4, 3, name="patch_1_conv")(picture))
    x = keras.layers.LeakyReLU(0.2, name="patch_2_relu")(keras.layers.Conv2D(5, 3, 2, name="patch_2_conv")(x))
    return keras.Model(picture, keras.layers.Conv2D(1, 1, name="patch_3_conv")(x))


def fake_features():
    """Stands for the ImageNet network: the picture, and its halves."""
    picture = keras.Input((None, None, 3))
    features = keras.Model(picture, [keras.layers.Identity()(picture), keras.layers.AveragePooling2D(2)(picture)])
    features.trainable = False
    return features


def make(rates=(0.0, 0.0), **options):
    keras.utils.set_random_seed(0)
    gan = PairedGAN(least_generator(), layered_discriminator(6 if options.get("conditional") else 3), **options)
    gan.compile(*(keras.optimizers.SGD(rate) for rate in rates))
    return gan


def logged(gan, batch):
    gan.reset_metrics()
    return {name: float(value) for name, value in gan.train_step(batch).items()}


def pictures(batch):
    return batch[0] / np.float32(127.5) - 1, batch[1] / np.float32(127.5) - 1


@pytest.mark.parametrize("conditional", [False, True])
def test_feature_matching_compares_all_layers_of_d(batch, conditional):
    gan = make(feature_weight=3.0, conditional=conditional)
    x, y = pictures(batch)
    restored = gan.generator(x)
    evidence = [np.concatenate([x, shown], axis=-1) if conditional else shown for shown in (y, restored)]
    layers = keras.Model(gan.discriminator.input, [gan.discriminator.get_layer(f"patch_{k}_relu").output for k in "12"])
    real, fake = (layers(shown) for shown in evidence)
    expected = np.mean([np.abs(np.asarray(b) - np.asarray(a)).mean() for a, b in zip(real, fake, strict=True)])
    logs = logged(gan, batch)
    assert logs["features"] == pytest.approx(expected, rel=1e-4)
    assert logs["g_loss"] == pytest.approx(logs["adversarial"] + 2 * logs["l1"] + 3 * expected, rel=1e-4)


def test_feature_matching_moves_g_and_not_d(batch):
    plain, matched = make((0.1, 0.1), conditional=True), make((0.1, 0.1), conditional=True, feature_weight=5.0)
    before = weights_of(plain.generator)
    for gan in (plain, matched):
        gan.train_step(batch)
    for one, other in zip(weights_of(plain.discriminator), weights_of(matched.discriminator), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-7)
    assert np.abs(weights_of(plain.generator)[0] - weights_of(matched.generator)[0]).max() > 1e-4
    assert np.abs(weights_of(plain.generator)[0] - before[0]).max() > 1e-4


@pytest.mark.parametrize("composite", ["none", "adversarial"])
def test_the_perceptual_term_sees_what_is_shown(batch, composite):
    features = fake_features()
    gan = make(perceptual_weight=2.0, features=features, composite=composite)
    x, y = pictures(batch)
    restored = np.asarray(gan.generator(x))
    shown = restored if composite == "none" else np.where(batch[2] == 1, restored, x)
    expected = float(losses.perceptual_distance(features, shown, y))
    logs = logged(gan, batch)
    assert logs["perceptual"] == pytest.approx(expected, rel=1e-4)
    assert logs["g_loss"] == pytest.approx(logs["adversarial"] + 2 * logs["l1"] + 2 * expected, rel=1e-4)


def test_the_perceptual_network_is_not_trained(batch):
    gan = make((0.1, 0.1), perceptual_weight=2.0, features=fake_features())
    names = {id(variable) for variable in gan.generator_variables + gan.discriminator_variables}
    assert not names & {id(variable) for variable in gan.features.variables}
    assert gan.networks == (gan.generator, gan.discriminator)


def test_without_these_terms_they_are_not_logged(batch):
    assert set(logged(make(), batch)) == {"g_loss", "d_loss", "adversarial", "l1", "l1_mask"}


def test_the_adversarial_terms_fade_in_and_the_others_do_not(batch):
    gan = make(
        adversarial_weight=2.0,
        feature_weight=3.0,
        perceptual_weight=0.5,
        adversarial_fade_steps=4,
        features=fake_features(),
    )
    for step in range(7):
        logs = logged(gan, batch)
        strength = min(step / 4, 1.0)
        fading = 2 * logs["adversarial"] + 3 * logs["features"]
        expected = strength * fading + 2 * logs["l1"] + 0.5 * logs["perceptual"]
        assert logs["g_loss"] == pytest.approx(expected, rel=1e-4)
        assert logs["adversarial"] > 0.1  # logged in full


def test_before_it_fades_in_d_learns_and_g_does_not_listen(batch):
    gan = make((0.1, 0.1), whole_weight=0.0, adversarial_fade_steps=10)
    generator, discriminator = weights_of(gan.generator), weights_of(gan.discriminator)
    gan.train_step(batch)
    for weight, value in zip(weights_of(gan.generator), generator, strict=True):
        np.testing.assert_array_equal(weight, value)
    assert np.abs(weights_of(gan.discriminator)[0] - discriminator[0]).max() > 1e-5
    gan.train_step(batch)
    assert np.abs(weights_of(gan.generator)[0] - generator[0]).max() > 0


def test_settings_reach_the_training_model(tiny, monkeypatch):
    loaded = []
    monkeypatch.setattr(networks, "efficientnet_lite_features", lambda: loaded.append(fake_features()) or loaded[0])
    loss = {"feature_weight": 4.0, "perceptual_weight": 2.0, "adversarial_fade_steps": 7}
    gan = build_gan(tiny(loss=loss), steps_per_epoch=10)
    assert (gan.feature_weight, gan.perceptual_weight, gan.adversarial_fade_steps) == (4.0, 2.0, 7)
    assert gan.features is loaded[0]
    # All activations of D, then its logits.
    activations = [layer for layer in gan.discriminator.layers if layer.name.endswith("_relu")]
    assert activations and len(gan.judge.outputs) == len(activations) + 1
    gan = build_gan(tiny(), steps_per_epoch=10)
    assert gan.features is None and gan.judge is None and len(loaded) == 1
