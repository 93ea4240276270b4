import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_deid.models.dcgan import dcgan_discriminator, dcgan_generator
from keras_deid.models.latent_search import latent_search
from keras_deid.training.checkpoints import Checkpoints
from keras_deid.training.gan import averaged
from keras_deid.training.unconditional import UnconditionalGAN

from .conftest import average_of_two_steps, compile_to_overflow, weights_of

SIDE, LATENT = 16, 8


def least_generator():
    """The least that can be trained as G."""
    vector = keras.Input((LATENT,))
    picture = keras.layers.Reshape((SIDE, SIDE, 3))(keras.layers.Dense(SIDE * SIDE * 3)(vector))
    return keras.Model(vector, keras.layers.Activation("tanh", dtype="float32")(picture))


def least_discriminator():
    """The least that can be trained as D."""
    picture = keras.Input((SIDE, SIDE, 3))
    logits = keras.layers.Conv2D(1, SIDE)(picture)
    return keras.Model(picture, keras.layers.Activation("linear", dtype="float32")(logits))


def make_gan(rate=0.1, ema=0.0, **options):
    generator = least_generator()
    restorer = latent_search(averaged(generator) if ema else generator, steps=1, starts=2)
    gan = UnconditionalGAN(generator, least_discriminator(), restorer, ema=ema, **options)
    gan.compile(keras.optimizers.SGD(rate), keras.optimizers.SGD(rate / 2))
    return gan


def make_dcgan(seed=0):
    generator = dcgan_generator((SIDE, SIDE, 3), filters=8, latent=LATENT)
    restorer = latent_search(generator, steps=15, starts=8)
    gan = UnconditionalGAN(generator, dcgan_discriminator((SIDE, SIDE, 3), filters=8), restorer, seed=seed)
    gan.compile(*(keras.optimizers.Adam(1e-3, beta_1=0.5) for _ in "GD"))
    return gan


@pytest.fixture
def batch():
    """(x, y, mask) of which only y is of use."""
    y = np.random.default_rng(0).integers(0, 256, (4, SIDE, SIDE, 3)).astype("uint8")
    return np.zeros_like(y), y, np.zeros((4, SIDE, SIDE, 1), "float32")


def test_one_step_by_hand(batch):
    gan = make_gan(rate=0.1)
    y, z = batch[1] / np.float32(127.5) - 1, gan.latent_vectors(4)
    with tf.GradientTape() as g_tape:
        fake = tf.sigmoid(gan.discriminator(gan.generator(z)))
        g_loss = -tf.reduce_mean(tf.math.log(fake))
    with tf.GradientTape() as d_tape:
        real, fake = tf.sigmoid(gan.discriminator(y)), tf.sigmoid(gan.discriminator(gan.generator(z)))
        d_loss = -tf.reduce_mean(tf.math.log(real)) - tf.reduce_mean(tf.math.log(1 - fake))
    expected = [
        weight - rate * gradient
        for network, gradients, rate in (
            (gan.generator, g_tape.gradient(g_loss, gan.generator.trainable_variables), 0.1),
            (gan.discriminator, d_tape.gradient(d_loss, gan.discriminator.trainable_variables), 0.05),
        )
        for weight, gradient in zip(weights_of(network), gradients, strict=True)
    ]
    logs = {name: float(value) for name, value in gan.train_step(batch).items()}
    assert logs == pytest.approx(
        {
            "g_loss": float(g_loss),
            "d_loss": float(d_loss),
            "adversarial": float(g_loss),
            "d_real": float(np.mean(real)),
            "d_fake": float(np.mean(fake)),
        },
        rel=1e-4,
    )
    for weight, value in zip(weights_of(gan.generator) + weights_of(gan.discriminator), expected, strict=True):
        np.testing.assert_allclose(weight, value, rtol=1e-4, atol=1e-6)
    assert int(gan.step) == 1


@pytest.mark.parametrize("adversarial", ["minmax", "lsgan", "hinge"])
def test_the_other_adversarial_losses_are_used(batch, adversarial):
    gan = make_gan(0.0, adversarial=adversarial)
    real = gan.discriminator(batch[1] / np.float32(127.5) - 1)
    fake = gan.discriminator(gan.generator(gan.latent_vectors(4)))
    logs = gan.train_step(batch)
    assert float(logs["d_loss"]) == pytest.approx(float(gan.adversarial.discriminator(real, fake)), rel=1e-4)
    assert float(logs["g_loss"]) == pytest.approx(float(gan.adversarial.generator(fake)), rel=1e-4)


def test_latent_vectors_are_normal_and_of_the_step():
    gan = make_gan(seed=7)
    first = np.asarray(gan.latent_vectors(4000))
    assert first.shape == (4000, LATENT)
    assert first.mean() == pytest.approx(0, abs=0.03) and first.std() == pytest.approx(1, abs=0.03)
    np.testing.assert_array_equal(gan.latent_vectors(4000), first)
    gan.step.assign_add(1)
    second = np.asarray(gan.latent_vectors(4000))
    assert abs(np.corrcoef(first.ravel(), second.ravel())[0, 1]) < 0.03
    gan.step.assign(0)
    gan.seed = 8
    assert np.abs(np.asarray(gan.latent_vectors(4)) - first[:4]).max() > 0.1


def test_the_restorers_copy_of_g_is_the_average(batch):
    gan = make_gan(ema=0.75)
    copy = gan.restorer.get_layer("search").generator
    assert copy is not gan.generator
    average = average_of_two_steps(gan, batch)
    for weight, value in zip(weights_of(copy), average, strict=True):
        np.testing.assert_allclose(weight, value, rtol=1e-4, atol=1e-6)


def test_restores_with_the_restorer(batch):
    gan = make_gan()
    x = batch[1] / np.float32(127.5) - 1
    np.testing.assert_array_equal(gan(x), gan.restorer(x))
    assert gan.networks == (gan.generator, gan.discriminator)


def test_under_float16_a_step_that_overflows_is_left_out(policy, batch):
    policy("mixed_float16")
    gan = make_gan()
    optimizers = compile_to_overflow(gan)
    before = gan.generator.get_weights() + gan.discriminator.get_weights()
    gan.train_step(batch)
    for weight, value in zip(gan.generator.get_weights() + gan.discriminator.get_weights(), before, strict=True):
        np.testing.assert_array_equal(weight, value)
    for optimizer in optimizers:
        optimizer.dynamic_scale.assign(2.0**8)
    gan.train_step(batch)
    assert np.abs(gan.generator.get_weights()[0] - before[0]).max() > 0
    assert all(np.isfinite(weight).all() for weight in gan.generator.get_weights() + gan.discriminator.get_weights())


def test_a_run_that_continues_is_the_run_that_never_stopped(batch, tmp_path):
    keras.utils.set_random_seed(1)
    through = make_dcgan()
    start = through.get_weights()
    for _ in range(4):
        through.train_step(batch)

    stopped = make_dcgan()
    stopped.set_weights(start)
    for _ in range(2):
        stopped.train_step(batch)
    Checkpoints(tmp_path, stopped).save()
    continued = make_dcgan()
    assert Checkpoints(tmp_path, continued).restore() == 2
    for _ in range(2):
        continued.train_step(batch)
    for weight, value in zip(continued.get_weights(), through.get_weights(), strict=True):
        np.testing.assert_array_equal(weight, value)


def discs(count):
    """Originals: each a disc of a colour of its own before its complement; the same ones each time."""
    rows, columns = np.indices((SIDE, SIDE)) - SIDE / 2 + 0.5
    colours = np.random.default_rng(0).uniform(120, 250, (count, 1, 1, 3)) * [1, 0.7, 0.5]
    return np.where((rows**2 + columns**2 < 25)[..., None], colours, 255 - colours).astype("uint8")


def test_a_small_real_training_draws_and_restores_what_it_saw():
    originals, fresh = np.split(discs(72), [64])
    means = fresh.reshape(8, 4, 4, 4, 4, 3).mean(axis=(2, 4)).round()
    mosaic = means.repeat(4, axis=1).repeat(4, axis=2) / np.float32(127.5) - 1
    gan = make_dcgan()

    def restoring_error():
        return np.abs(gan.restorer(mosaic) - (fresh / 127.5 - 1)).mean()

    def likeness_of_mean_drawing():
        drawn = np.asarray(gan.generator(gan.latent_vectors(64), training=False)).mean(axis=0)
        return np.corrcoef(drawn.ravel(), originals.mean(axis=0).ravel())[0, 1]

    error = restoring_error()
    assert abs(likeness_of_mean_drawing()) < 0.5
    step = tf.function(gan.train_step)
    for index in range(400):
        y = originals[16 * (index % 4) :][:16]
        step((y, y, np.zeros((16, SIDE, SIDE, 1), "float32")))
    assert likeness_of_mean_drawing() > 0.9
    assert restoring_error() < 0.7 * error
