import csv
import json

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_deid.data.images import write_png
from keras_deid.data.unpaired import load_unpaired_pictures, unpaired_batches
from keras_deid.errors import UserError
from keras_deid.models.saved import load_generator
from keras_deid.training.checkpoints import Checkpoints
from keras_deid.training.networks import build_gan
from keras_deid.training.run import run
from keras_deid.training.unpaired import UnpairedGAN

from .conftest import average_of_two_steps, compile_to_overflow, state, train, weights_of

SIDE = 8
NETWORKS = ("generator", "discriminator", "backward_generator", "backward_discriminator")


def pixelwise(channels, name):
    """The least that can be trained: a convolution that sees one pixel."""
    picture = keras.Input((SIDE, SIDE, 3))
    out = keras.layers.Conv2D(channels, 1, name="colours")(picture)
    return keras.Model(picture, keras.layers.Activation("linear", dtype="float32")(out), name=name)


def make_gan(generator_rate=0.1, discriminator_rate=0.05, **options):
    networks = [pixelwise(1 if "discriminator" in name else 3, name) for name in NETWORKS]
    gan = UnpairedGAN(*networks, **{"pool": 0, **options})
    gan.compile(keras.optimizers.SGD(generator_rate), keras.optimizers.SGD(discriminator_rate))
    return gan


def set_line(network, slope, offset):
    """Makes of each pixel, or of the mean of its channels, `slope * value + offset`."""
    channels = network.output_shape[-1]
    kernel = np.eye(3) if channels == 3 else np.full((3, 1), 1 / 3)
    network.get_layer("colours").set_weights([slope * kernel[None, None], np.full(channels, offset)])


def signed(pictures):
    return pictures / np.float32(127.5) - 1


@pytest.fixture
def batch():
    random = np.random.default_rng(0)
    x, y = (random.integers(0, 256, (2, SIDE, SIDE, 3)).astype("uint8") for _ in "xy")
    return x, y, np.ones((2, SIDE, SIDE, 1), "float32")


def test_worked_out_losses():
    gan = make_gan(0.0, 0.0)
    set_line(gan.generator, 0.5, 0.1)
    set_line(gan.backward_generator, 2.0, 0.0)
    set_line(gan.discriminator, 1.0, 0.0)
    set_line(gan.backward_discriminator, 0.5, 0.0)
    x, y = (np.full((1, SIDE, SIDE, 3), 127.5 * (value + 1), "float32") for value in (0.2, 0.6))
    logs = {name: float(value) for name, value in gan.train_step((x, y, x[..., :1])).items()}
    # G(x) = 0.2, F(y) = 1.2; D_Y(G(x)) = 0.2, D_X(F(y)) = 0.6; D_Y(y) = 0.6, D_X(x) = 0.1
    # F(G(x)) = 0.4, G(F(y)) = 0.7; G(y) = 0.4, F(x) = 0.4
    assert logs == pytest.approx(
        {
            "adversarial": 0.8**2 + 0.4**2,
            "d_loss": (0.4**2 + 0.2**2) + (0.9**2 + 0.6**2),
            "cycle": (0.2 + 0.1) / 2,
            "identity": (0.2 + 0.2) / 2,
            "g_loss": 0.8 + 10 * (0.2 + 0.1) + 5 * (0.2 + 0.2),
        },
        rel=1e-5,
    )


def one_step_by_hand(gan, batch, weights, rates):
    """Equations (1) to (4) once more, with the log loss, each network by itself."""
    x, y = signed(batch[0]), signed(batch[1])
    g, d_y, f, d_x = (getattr(gan, name) for name in NETWORKS)
    adversarial_weight, cycle_weight, identity_weight = weights

    def g_loss():
        adversarial = -tf.reduce_mean(tf.math.log(tf.sigmoid(d_y(g(x)))))
        adversarial -= tf.reduce_mean(tf.math.log(tf.sigmoid(d_x(f(y)))))
        cycle = tf.reduce_mean(tf.abs(f(g(x)) - x)) + tf.reduce_mean(tf.abs(g(f(y)) - y))
        identity = tf.reduce_mean(tf.abs(g(y) - y)) + tf.reduce_mean(tf.abs(f(x) - x))
        return adversarial_weight * adversarial + cycle_weight * cycle + identity_weight * identity

    def d_loss(discriminator, real, fake):
        real, fake = tf.sigmoid(discriminator(real)), tf.sigmoid(discriminator(fake))
        return -tf.reduce_mean(tf.math.log(real)) - tf.reduce_mean(tf.math.log(1 - fake))

    terms = {
        "generator": (g_loss, rates[0]),
        "backward_generator": (g_loss, rates[0]),
        "discriminator": (lambda: d_loss(d_y, y, g(x)), rates[1]),
        "backward_discriminator": (lambda: d_loss(d_x, x, f(y)), rates[1]),
    }
    expected = {}
    for name, (loss, rate) in terms.items():
        network = getattr(gan, name)
        with tf.GradientTape() as tape:
            value = loss()
        gradients = tape.gradient(value, network.trainable_variables)
        expected[name] = [w - rate * np.asarray(g) for w, g in zip(weights_of(network), gradients, strict=True)]
    return float(g_loss()), float(d_loss(d_y, y, g(x)) + d_loss(d_x, x, f(y))), expected


def test_one_step_by_hand(batch):
    gan = make_gan(0.1, 0.05, adversarial="log", adversarial_weight=0.5, cycle_weight=2.0, identity_weight=3.0)
    g_loss, d_loss, expected = one_step_by_hand(gan, batch, (0.5, 2.0, 3.0), (0.1, 0.05))
    logs = gan.train_step(batch)
    assert float(logs["g_loss"]) == pytest.approx(g_loss, rel=1e-4)
    assert float(logs["d_loss"]) == pytest.approx(d_loss, rel=1e-4)
    for name, weights in expected.items():
        for weight, value in zip(weights_of(getattr(gan, name)), weights, strict=True):
            np.testing.assert_allclose(weight, value, rtol=1e-4, atol=1e-6)
    assert int(gan.step) == 1


def test_all_four_are_trained_and_looked_after():
    gan = make_gan()
    assert [network.name for network in gan.networks] == list(NETWORKS)
    assert len(gan.generator_variables) == len(gan.discriminator_variables) == 4
    assert gan.restorer is gan.generator and gan.fakes is None and gan.backward_fakes is None


def test_without_identity_loss_its_weight_is_zero(batch):
    logs = make_gan(0.0, 0.0, identity_weight=0.0, adversarial_weight=0.0).train_step(batch)
    assert float(logs["identity"]) == 0
    assert float(logs["g_loss"]) == pytest.approx(10 * 2 * float(logs["cycle"]), rel=1e-5)


def test_the_mask_is_not_used(batch):
    gan = make_gan(0.0, 0.0)
    with_mask = {name: float(value) for name, value in gan.train_step(batch).items()}
    gan.reset_metrics()
    without = gan.train_step((*batch[:2], np.full_like(batch[2], np.nan)))
    assert {name: float(value) for name, value in without.items()} == with_mask


def test_each_discriminator_sees_past_fakes_and_each_generator_is_judged_by_its_newest(batch):
    gan = make_gan(0.0, 0.0, pool=1)
    x, y, mask = (values[:1] for values in batch)
    newest = {"discriminator": gan.generator(signed(x)), "backward_discriminator": gan.backward_generator(signed(y))}
    real = {"discriminator": signed(y), "backward_discriminator": signed(x)}
    past = {"discriminator": 3.0, "backward_discriminator": -2.0}
    possible = {}
    for name, fake in newest.items():
        discriminator = getattr(gan, name)
        of_real = np.mean((discriminator(real[name]) - 1.0) ** 2)
        seen = (fake, np.full_like(fake, past[name]))
        possible[name] = [of_real + np.mean(np.square(discriminator(pictures))) for pictures in seen]
    adversarial = sum(np.mean((getattr(gan, name)(fake) - 1.0) ** 2) for name, fake in newest.items())
    losses = set()
    for _ in range(24):
        for pool, name in ((gan.fakes, "discriminator"), (gan.backward_fakes, "backward_discriminator")):
            pool.pictures.assign(np.full_like(newest[name], past[name]))
            pool.filled.assign(1)
        gan.reset_metrics()
        logs = gan.train_step((x, y, mask))
        assert float(logs["adversarial"]) == pytest.approx(float(adversarial), rel=1e-4)
        losses.add(round(float(logs["d_loss"]), 2))
    # Each pool draws for itself: all four ways of old and new come up.
    assert losses == {
        round(float(a + b), 2) for a in possible["discriminator"] for b in possible["backward_discriminator"]
    }
    assert len(losses) == 4


def test_the_average_follows_the_generator(batch):
    gan = make_gan(ema=0.75)
    average = average_of_two_steps(gan, batch)
    for weight, value in zip(weights_of(gan.restorer), average, strict=True):
        np.testing.assert_allclose(weight, value, rtol=1e-4, atol=1e-6)
    assert np.abs(weights_of(gan.generator)[0] - average[0]).max() > 1e-3


def test_predicts_with_the_restorer(batch):
    gan = make_gan()
    np.testing.assert_array_equal(gan(signed(batch[0])), gan.generator(signed(batch[0])))


def test_a_step_that_overflows_in_float16_is_left_out(policy, batch):
    policy("mixed_float16")
    gan = make_gan()
    optimizers = compile_to_overflow(gan)
    before = [weights_of(network) for network in gan.networks]
    gan.train_step(batch)
    for network, weights in zip(gan.networks, before, strict=True):
        for weight, value in zip(weights_of(network), weights, strict=True):
            np.testing.assert_array_equal(weight, value)
    assert [float(optimizer.dynamic_scale.numpy()) for optimizer in optimizers] == [2.0**59] * 2

    for optimizer in optimizers:
        optimizer.dynamic_scale.assign(2.0**8)
    gan.adversarial = make_gan(adversarial="log").adversarial
    g_loss, _, expected = one_step_by_hand(gan, batch, (1.0, 10.0, 5.0), (0.1, 0.1))
    gan.reset_metrics()
    # Logged without the scale, and applied without it: to the three digits that float16 has.
    assert float(gan.train_step(batch)["g_loss"]) == pytest.approx(g_loss, rel=1e-2)
    for name, weights in expected.items():
        for weight, value in zip(weights_of(getattr(gan, name)), weights, strict=True):
            np.testing.assert_allclose(weight, value, rtol=1e-2, atol=2e-2)


def test_a_restored_model_goes_on_as_if_it_had_never_stopped(tmp_path, batch):
    def everything(seed):
        keras.utils.set_random_seed(seed)
        gan = make_gan(pool=3, ema=0.9, seed=seed)
        gan.compile(keras.optimizers.Adam(1e-2), keras.optimizers.Adam(2e-2))
        return gan

    gan = everything(1)
    for _ in range(3):
        gan.train_step(batch)
    Checkpoints(tmp_path, gan).save()
    gan.train_step(batch)
    again = everything(2)
    assert Checkpoints(tmp_path, again).restore() == 3
    again.train_step(batch)
    for value, expected in zip(state(again), state(gan), strict=True):
        np.testing.assert_array_equal(value, expected)


@pytest.mark.parametrize("name", NETWORKS)
def test_spoiled_weights_of_any_network_are_not_saved(tmp_path, name):
    gan = make_gan()
    network = getattr(gan, name)
    network.weights[0].assign(np.full(network.weights[0].shape, np.nan))
    with pytest.raises(UserError, match=f"the {name}'s weights are not finite"):
        Checkpoints(tmp_path, gan).save()


def test_a_small_real_training_learns_the_way_there_and_back(tiny):
    config = tiny(
        data={"synthetic": {"train": 16}},
        generator={"attention": "none"},
        loss={"adversarial": "lsgan"},
        training={"method": "unpaired", "batch_size": 4, "learning_rate": 1e-2, "pool": 5, "decay_epochs": 0},
    )
    gan = build_gan(config, steps_per_epoch=10)
    assert isinstance(gan, UnpairedGAN)
    assert gan.fakes.size == gan.backward_fakes.size == 5
    assert gan.backward_generator is not gan.generator
    batches = unpaired_batches(
        load_unpaired_pictures(config.data), config.data, config.deidentify, batch_size=4, seed=0
    )
    first, *_, last = train(gan, batches, 10, 5)
    assert last["cycle"] < 0.9 * first["cycle"]
    assert last["identity"] < 0.9 * first["identity"]
    assert int(gan.fakes.filled.numpy()) == int(gan.backward_fakes.filled.numpy()) == 5


def test_a_run_on_two_folders_without_pictures_to_compare(tiny, tmp_path):
    random = np.random.default_rng(0)
    for side in ("trainA", "trainB"):
        for number in range(3):
            picture = random.integers(0, 256, (20, 24, 3), np.uint8)
            write_png(tmp_path / "pictures" / side / f"{side}{number}.png", picture)
    config = tiny(
        data={"source": "unpaired_folders", "path": str(tmp_path / "pictures")},
        generator={"attention": "none", "normalization": "none"},
        loss={"identity_weight": 0.0},
        training={"method": "unpaired", "decay_epochs": 0},
    )
    assert run(config, tmp_path / "run") is None
    assert json.loads((tmp_path / "run" / "summary.json").read_text())["metrics"] is None
    assert load_generator(tmp_path / "run").output_shape == (None, 16, 16, 3)
    (row,) = csv.DictReader((tmp_path / "run" / "history.csv").open())
    assert float(row["step"]) == 1 and float(row["cycle"]) > 0 and "val_psnr_mask" not in row
