import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_deid import losses
from keras_deid.losses import ADVERSARIAL

# Two patches each.
REAL = np.float32([2.0, -1.0])
FAKE = np.float32([0.5, -3.0])


def softplus(x):
    return np.log1p(np.exp(np.asarray(x, float)))


def sigmoid(x):
    return 1 / (1 + np.exp(-np.asarray(x, float)))


def gradient(loss, *logits):
    logits = [tf.constant(value) for value in logits]
    with tf.GradientTape() as tape:
        tape.watch(logits)
        value = loss(*logits)
    return [value.numpy() for value in tape.gradient(value, logits)]


# ---- Adversarial terms ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "discriminator", "generator"),
    [
        # -log D(y) - log(1 - D(G(x))), -log D(G(x))
        (
            "log",
            (0.126928 + 1.313262) / 2 + (0.974077 + 0.048587) / 2,
            (0.474077 + 3.048587) / 2,
        ),
        ("minmax", (0.126928 + 1.313262) / 2 + (0.974077 + 0.048587) / 2, -(0.974077 + 0.048587) / 2),
        # (D(y) - 1)^2 + D(G(x))^2, (D(G(x)) - 1)^2
        ("lsgan", (1.0 + 4.0) / 2 + (0.25 + 9.0) / 2, (0.25 + 16.0) / 2),
        # max(0, 1 - D(y)) + max(0, 1 + D(G(x))), -D(G(x))
        ("hinge", (0.0 + 2.0) / 2 + (1.5 + 0.0) / 2, 1.25),
    ],
)
def test_worked_out_values(name, discriminator, generator):
    loss = ADVERSARIAL[name]
    assert float(loss.discriminator(REAL, FAKE)) == pytest.approx(discriminator, abs=1e-5)
    assert float(loss.generator(FAKE)) == pytest.approx(generator, abs=1e-5)


def test_the_log_losses_are_equation_1():
    value = -np.log(sigmoid(REAL)).mean() - np.log(1 - sigmoid(FAKE)).mean()
    assert float(ADVERSARIAL["log"].discriminator(REAL, FAKE)) == pytest.approx(value, rel=1e-5)
    assert float(ADVERSARIAL["log"].generator(FAKE)) == pytest.approx(-np.log(sigmoid(FAKE)).mean(), rel=1e-5)
    assert float(ADVERSARIAL["minmax"].generator(FAKE)) == pytest.approx(np.log(1 - sigmoid(FAKE)).mean(), rel=1e-5)


@pytest.mark.parametrize("name", ADVERSARIAL)
@pytest.mark.parametrize("real", [-1000.0, 1000.0])
@pytest.mark.parametrize("fake", [-1000.0, 1000.0])
def test_extreme_logits_stay_finite(name, real, fake):
    loss, real, fake = ADVERSARIAL[name], np.float32([real]), np.float32([fake])
    values = [loss.discriminator(real, fake), loss.generator(fake)]
    gradients = gradient(loss.discriminator, real, fake) + gradient(loss.generator, fake)
    assert all(np.isfinite(value).all() for value in values + gradients)


def test_extreme_logits_cost_what_they_should():
    log = ADVERSARIAL["log"]
    assert float(log.discriminator(np.float32([1000]), np.float32([-1000]))) == 0
    assert float(log.discriminator(np.float32([-1000]), np.float32([1000]))) == 2000
    assert float(log.generator(np.float32([-1000]))) == 1000
    assert float(ADVERSARIAL["minmax"].generator(np.float32([1000]))) == -1000


def test_the_min_max_form_saturates_where_the_other_does_not():
    # Of a fake that D sees through: d/dl of softplus(-l) is -sigmoid(-l), of -softplus(l) it is -sigmoid(l).
    for logit in (-6.0, 0.0, 3.0):
        (log,) = gradient(ADVERSARIAL["log"].generator, np.float32([logit]))
        (minmax,) = gradient(ADVERSARIAL["minmax"].generator, np.float32([logit]))
        np.testing.assert_allclose([log[0], minmax[0]], [-sigmoid(-logit), -sigmoid(logit)], rtol=1e-5)


@pytest.mark.parametrize("name", ADVERSARIAL)
def test_g_gains_where_d_loses(name):
    loss, real, fake = ADVERSARIAL[name], np.float32([0.1]), np.float32([0.2])
    up_real, up_fake = gradient(loss.discriminator, real, fake)
    (up,) = gradient(loss.generator, fake)
    assert up_real < 0 < up_fake
    assert up < 0


def test_patches_count_alike_whatever_their_number():
    logits = np.random.default_rng(0).normal(size=(2, 3, 5, 1)).astype("float32")
    value = float(ADVERSARIAL["log"].generator(logits))
    assert value == pytest.approx(softplus(-logits).mean(), rel=1e-5)


# ---- Distances ------------------------------------------------------------------------------------------------------


def test_l1_is_the_absolute_difference_of_each_value():
    restored, original = np.float32([[1, -1], [0, 0.5]]), np.float32([[-1, -1], [0.25, 0]])
    np.testing.assert_allclose(losses.l1(restored, original), [[2, 0], [0.25, 0.5]])


def test_charbonnier_by_hand():
    # 3-4-5 triangle: sqrt(0.3^2 + 0.4^2) - 0.4 = 0.1
    np.testing.assert_allclose(losses.charbonnier(np.float32([0.3, -0.3, 0.0]), 0.0, 0.4), [0.1, 0.1, 0], atol=1e-7)


def test_charbonnier_is_smooth_at_zero_and_l1_far_away():
    slopes = {}
    for difference in (0.0, 0.1, 100.0):
        (slope,) = gradient(lambda d: losses.charbonnier(d, 0.0, 0.1), np.float32([difference]))
        slopes[difference] = slope[0]
    # d / sqrt(d^2 + epsilon^2)
    assert slopes[0.0] == 0
    assert slopes[0.1] == pytest.approx(1 / np.sqrt(2), rel=1e-5)
    assert slopes[100.0] == pytest.approx(1, rel=1e-5)
    assert float(losses.charbonnier(np.float32(100), 0.0, 0.1)) == pytest.approx(100 - 0.1, rel=1e-4)


def test_charbonnier_comes_near_l1_as_epsilon_shrinks():
    differences = np.float32([-2, -0.5, 0, 0.01, 1])
    np.testing.assert_allclose(losses.charbonnier(differences, 0.0, 1e-6), np.abs(differences), atol=2e-6)


def test_mean_inside_by_hand():
    values = np.arange(8, dtype="float32").reshape(1, 2, 2, 2)
    mask = np.float32([[0, 1], [0, 1]]).reshape(1, 2, 2, 1)
    assert float(losses.mean_inside(values, mask)) == (2 + 3 + 6 + 7) / 4
    assert float(losses.mean_inside(values, np.ones_like(mask))) == values.mean()


def test_mean_inside_is_over_the_pixels_of_all_pictures():
    values = np.stack([np.full((2, 2, 3), 1), np.full((2, 2, 3), 4)]).astype("float32")
    mask = np.float32([[[1, 1], [1, 1]], [[1, 0], [0, 0]]])[..., None]
    assert float(losses.mean_inside(values, mask)) == pytest.approx((4 * 1 + 1 * 4) / 5)


def test_mean_inside_an_empty_mask_is_zero_and_has_no_slope():
    values, mask = np.ones((1, 2, 2, 3), "float32"), np.zeros((1, 2, 2, 1), "float32")
    assert float(losses.mean_inside(values, mask)) == 0
    (slope,) = gradient(lambda v: losses.mean_inside(v, mask), values)
    np.testing.assert_array_equal(slope, np.zeros_like(values))


def test_compose_takes_the_region_from_the_restored_picture():
    restored, deidentified = np.full((1, 1, 3, 3), 0.8, "float32"), np.full((1, 1, 3, 3), -0.4, "float32")
    mask = np.float32([0, 1, 0.5]).reshape(1, 1, 3, 1)
    composed = keras.ops.convert_to_numpy(losses.composite(restored, deidentified, mask))
    np.testing.assert_allclose(composed[0, 0, :, 0], [-0.4, 0.8, 0.2], rtol=1e-6)


# ---- Layers and features --------------------------------------------------------------------------------------------


def test_feature_distance_is_the_mean_over_maps_of_their_means():
    real = [np.zeros((1, 2, 2, 1), "float32"), np.ones((1, 1, 1, 4), "float32")]
    fake = [np.float32([1, -2, 0, 3]).reshape(1, 2, 2, 1), np.float32([1, 1, 1, 5]).reshape(1, 1, 1, 4)]
    assert float(losses.feature_distance(real, fake)) == pytest.approx((6 / 4 + 4 / 4) / 2)


def test_feature_distance_is_in_float32_and_takes_as_many_maps():
    half = [np.full((1, 1, 1, 1), 300, "float16")], [np.full((1, 1, 1, 1), -60000, "float16")]
    assert float(losses.feature_distance(*half)) == pytest.approx(60300, rel=1e-3)
    with pytest.raises(ValueError):
        losses.feature_distance([REAL], [REAL, FAKE])


def test_layers_of_d_are_its_activations_and_its_logits():
    picture = keras.Input((4, 4, 3))
    x = keras.layers.Conv2D(2, 3, name="patch_1_conv")(picture)
    first = keras.layers.LeakyReLU(name="patch_1_relu")(x)
    second = keras.layers.LeakyReLU(name="patch_2_relu")(keras.layers.Conv2D(5, 1, name="patch_2_conv")(first))
    logits = keras.layers.Conv2D(1, 2, name="patch_3_conv")(second)
    judge = losses.layers_of(keras.Model(picture, logits))
    assert [tuple(end.shape) for end in judge.outputs] == [(None, 2, 2, 2), (None, 2, 2, 5), (None, 1, 1, 1)]


def identity_features():
    picture = keras.Input((None, None, 1))
    return keras.Model(picture, [keras.layers.Identity()(picture), keras.layers.Rescaling(10.0)(picture)])


def test_perceptual_distance_by_hand():
    original = np.float32([0, 2]).reshape(1, 1, 2, 1)
    restored = np.float32([0.5, 2]).reshape(1, 1, 2, 1)
    # The spreads are 1 and 10, a hundredth more each; the mean differences 0.25 and 2.5.
    expected = (0.25 / 1.01 + 2.5 / 10.01) / 2
    assert float(losses.perceptual_distance(identity_features(), restored, original)) == pytest.approx(expected)


def test_perceptual_distance_moves_the_restored_picture_only():
    features, original, restored = identity_features(), np.float32([0, 2]), np.float32([0.5, 2])

    def distance(restored, original):
        shape = (1, 1, 2, 1)
        return losses.perceptual_distance(features, tf.reshape(restored, shape), tf.reshape(original, shape))

    restored, original = tf.constant(restored), tf.constant(original)
    with tf.GradientTape() as tape:
        tape.watch([restored, original])
        value = distance(restored, original)
    slope, none = tape.gradient(value, [restored, original])
    np.testing.assert_allclose(slope, [(1 / 1.01 + 10 / 10.01) / 4, 0], rtol=1e-5)
    assert none is None


# ---- Of the locator -------------------------------------------------------------------------------------------------


def test_cross_entropy_by_hand():
    logits, target = np.float32([0.0, 2.0, -1.0, 3.0]), np.float32([1.0, 0.0, 0.25, 1.0])
    p = sigmoid(logits)
    expected = -(target * np.log(p) + (1 - target) * np.log(1 - p)).mean()
    assert float(losses.cross_entropy(logits, target)) == pytest.approx(expected, rel=1e-5)
    assert float(losses.cross_entropy(np.float32([0.0]), np.float32([0.5]))) == pytest.approx(np.log(2), rel=1e-6)


def test_cross_entropy_stays_finite():
    assert float(losses.cross_entropy(np.float32([1000, -1000]), np.float32([1, 0]))) == 0
    assert float(losses.cross_entropy(np.float32([1000]), np.float32([0]))) == 1000
    (slope,) = gradient(lambda logits: losses.cross_entropy(logits, np.float32([0])), np.float32([1000]))
    assert slope[0] == pytest.approx(1)


def test_dice_by_hand():
    # Probabilities 0.5, 0.75, 0.25: shared 0.75, squares 0.875 and targets 1. In the other picture: nothing, 0.25, 0.
    shape = (2, 1, 3, 1)
    logits = np.float32([0, np.log(3), -np.log(3), 0, -50, -50]).reshape(shape)
    target = np.float32([0, 1, 0, 0, 0, 0]).reshape(shape)
    expected = ((1 - (2 * 0.75 + 16) / (1.875 + 16)) + (1 - 16 / (0.25 + 16))) / 2
    assert float(losses.dice(logits, target)) == pytest.approx(expected, rel=1e-4)


def test_dice_at_its_ends():
    """A small region weighs as much as a large one, and what is marked in a picture without any counts, too."""
    logits = np.full((1, 40, 40, 1), -50, np.float32)
    nothing, small, large = (np.zeros(logits.shape, np.float32) for _ in range(3))
    small[:, :10, :10], large[:] = 1, 1
    for target in (nothing, small, large):
        assert float(losses.dice(np.where(target > 0, 50, -50).astype("float32"), target)) == pytest.approx(0, abs=1e-6)
    missed = [float(losses.dice(logits, target)) for target in (small, large)]
    assert missed == pytest.approx([100 / 116, 1600 / 1616])
    assert float(losses.dice(np.where(small > 0, 50, -50).astype("float32"), nothing)) == pytest.approx(100 / 116)
