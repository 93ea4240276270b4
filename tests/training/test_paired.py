import numpy as np
import pytest
import tensorflow as tf

from keras_deid.data.training_batches import training_batches
from keras_deid.data.training_pictures import load_training_pictures
from keras_deid.training.networks import build_gan
from keras_deid.training.paired import PairedGAN

from .conftest import compile_to_overflow, train, weights_of

ADVERSARIAL_WEIGHT, WHOLE_WEIGHT, MASK_WEIGHT, EPSILON = 0.5, 2.0, 3.0, 0.2


def assert_weights(model, expected):
    for weight, value in zip(weights_of(model), expected, strict=True):
        np.testing.assert_allclose(weight, value, rtol=1e-4, atol=1e-6)


def one_step_by_hand(gan, batch, composite, distance, rates):
    """Equations (1) to (4) once more, with the log loss, each network by itself."""
    x, y, mask = batch[0] / np.float32(127.5) - 1, batch[1] / np.float32(127.5) - 1, batch[2]
    generator, discriminator = gan.generator, gan.discriminator

    with tf.GradientTape() as g_tape:
        restored = generator(x)
        composed = mask * restored + (1 - mask) * x
        shown = restored if composite == "none" else composed
        judged = composed if composite == "all" else restored
        adversarial = -tf.reduce_mean(tf.math.log(tf.sigmoid(discriminator(shown))))
        difference = judged - y
        if distance == "l1":
            distances = tf.abs(difference)
        else:
            distances = tf.sqrt(difference**2 + EPSILON**2) - EPSILON
        whole = tf.reduce_mean(distances)
        inside = tf.reduce_mean(distances[tf.repeat(mask == 1, 3, axis=-1)])
        g_loss = ADVERSARIAL_WEIGHT * adversarial + WHOLE_WEIGHT * whole + MASK_WEIGHT * inside

    with tf.GradientTape() as d_tape:
        real, fake = tf.sigmoid(discriminator(y)), tf.sigmoid(discriminator(shown))
        d_loss = -tf.reduce_mean(tf.math.log(real)) - tf.reduce_mean(tf.math.log(1 - fake))

    def descended(model, tape, loss, rate):
        gradients = tape.gradient(loss, model.trainable_variables)
        return [w - rate * np.asarray(g) for w, g in zip(weights_of(model), gradients, strict=True)]

    error = np.abs(restored - y) / 2
    logs = {
        "g_loss": g_loss,
        "d_loss": d_loss,
        "adversarial": adversarial,
        "l1": error.mean(),
        "l1_mask": error[np.repeat(mask == 1, 3, axis=-1)].mean(),
    }
    new_generator = descended(generator, g_tape, g_loss, rates[0])
    return logs, new_generator, descended(discriminator, d_tape, d_loss, rates[1])


@pytest.mark.parametrize("composite", ["none", "adversarial", "all"])
@pytest.mark.parametrize("distance", ["l1", "charbonnier"])
def test_one_step_by_hand(make_gan, batch, composite, distance):
    gan = make_gan(
        generator_rate=0.1,
        discriminator_rate=0.05,
        adversarial_weight=ADVERSARIAL_WEIGHT,
        distance=distance,
        charbonnier_epsilon=EPSILON,
        whole_weight=WHOLE_WEIGHT,
        mask_weight=MASK_WEIGHT,
        composite=composite,
    )
    logs, generator, discriminator = one_step_by_hand(gan, batch, composite, distance, (0.1, 0.05))
    found = gan.train_step(batch)
    assert {name: float(value) for name, value in found.items()} == pytest.approx(
        {name: float(value) for name, value in logs.items()}, rel=1e-4
    )
    assert_weights(gan.generator, generator)
    assert_weights(gan.discriminator, discriminator)
    assert int(gan.step) == 1


def test_the_defaults_are_equation_3(make_gan, batch):
    gan = make_gan()
    logs = {name: float(value) for name, value in gan.train_step(batch).items()}
    assert logs["g_loss"] == pytest.approx(logs["adversarial"] + 2 * logs["l1"], rel=1e-5)


@pytest.mark.parametrize("adversarial", ["minmax", "lsgan", "hinge"])
def test_the_other_adversarial_losses_are_used(make_gan, batch, adversarial):
    gan = make_gan(0.0, 0.0, adversarial=adversarial)
    fake, real = (gan.discriminator(gan.generator(batch[0] / 127.5 - 1)), gan.discriminator(batch[1] / 127.5 - 1))
    logs = gan.train_step(batch)
    assert float(logs["d_loss"]) == pytest.approx(float(gan.adversarial.discriminator(real, fake)), rel=1e-4)
    assert float(logs["adversarial"]) == pytest.approx(float(gan.adversarial.generator(fake)), rel=1e-4)


def test_a_conditional_d_sees_x_and_then_the_picture(make_gan, batch):
    gan = make_gan(0.0, 0.0, conditional=True)
    x, y = batch[0] / np.float32(127.5) - 1, batch[1] / np.float32(127.5) - 1
    real = gan.discriminator(np.concatenate([x, y], axis=-1))
    fake = gan.discriminator(np.concatenate([x, gan.generator(x)], axis=-1))
    expected = np.log1p(np.exp(-real)).mean() + np.log1p(np.exp(fake)).mean()
    assert float(gan.train_step(batch)["d_loss"]) == pytest.approx(expected, rel=1e-4)


def test_d_sees_past_fakes_and_g_is_judged_by_its_newest(make_gan, batch):
    gan = make_gan(0.0, 0.0, pool=1)
    x, y, mask = (values[:1] for values in batch)
    newest = gan.generator(x / np.float32(127.5) - 1)
    past = np.full_like(newest, 0.3)
    real = np.log1p(np.exp(-gan.discriminator(y / np.float32(127.5) - 1))).mean()
    of_newest, of_past = (real + np.log1p(np.exp(gan.discriminator(fake))).mean() for fake in (newest, past))
    assert of_newest != pytest.approx(of_past, rel=1e-3)
    seen = []
    for _ in range(12):
        gan.fakes.pictures.assign(past)
        gan.fakes.filled.assign(1)
        gan.reset_metrics()
        logs = gan.train_step((x, y, mask))
        assert float(logs["adversarial"]) == pytest.approx(
            np.log1p(np.exp(-gan.discriminator(newest))).mean(), rel=1e-4
        )
        seen.append(float(logs["d_loss"]))
    assert {round(loss, 3) for loss in seen} == {round(float(loss), 3) for loss in (of_newest, of_past)}


def test_the_average_follows_the_generator(make_gan, batch):
    gan = make_gan(ema=0.15)
    average = weights_of(gan.generator)
    assert_weights(gan.restorer, average)
    for decay in (1 / 11, 0.15, 0.15):  # 2 / 12 would be more than 0.15
        gan.train_step(batch)
        average = [decay * a + (1 - decay) * w for a, w in zip(average, weights_of(gan.generator), strict=True)]
        assert_weights(gan.restorer, average)
    assert np.abs(weights_of(gan.generator)[0] - average[0]).max() > 1e-3


def test_without_an_average_the_generator_stands_for_it(make_gan):
    gan = make_gan()
    assert gan.restorer is gan.generator


def test_an_empty_mask_does_no_harm(make_gan, batch):
    gan = make_gan(mask_weight=1.0)
    logs = gan.train_step((batch[0], batch[1], np.zeros_like(batch[2])))
    assert float(logs["l1_mask"]) == 0
    assert all(np.isfinite(weight).all() for weight in weights_of(gan))


def test_a_step_that_overflows_in_float16_is_left_out(policy, make_gan, batch):
    policy("mixed_float16")
    gan = make_gan()
    optimizers = compile_to_overflow(gan)
    generator, discriminator = weights_of(gan.generator), weights_of(gan.discriminator)
    gan.train_step(batch)
    for model, before in ((gan.generator, generator), (gan.discriminator, discriminator)):
        for weight, value in zip(weights_of(model), before, strict=True):
            np.testing.assert_array_equal(weight, value)
    assert [float(optimizer.dynamic_scale.numpy()) for optimizer in optimizers] == [2.0**59] * 2

    for optimizer in optimizers:
        optimizer.dynamic_scale.assign(2.0**10)
    expected = one_step_by_hand(gan, batch, "none", "l1", (0.1, 0.1))
    gan.adversarial_weight, gan.whole_weight, gan.mask_weight = ADVERSARIAL_WEIGHT, WHOLE_WEIGHT, MASK_WEIGHT
    gan.reset_metrics()
    logs = gan.train_step(batch)
    # Logged without the scale, and applied without it: to the three digits that float16 has.
    assert float(logs["g_loss"]) == pytest.approx(float(expected[0]["g_loss"]), rel=1e-2)
    for model, values in zip((gan.generator, gan.discriminator), expected[1:], strict=True):
        for weight, value in zip(weights_of(model), values, strict=True):
            np.testing.assert_allclose(weight, value, rtol=1e-2, atol=2e-3)
            assert weight.dtype == np.float32


def test_predicts_with_the_generator(make_gan, batch):
    gan = make_gan()
    x = batch[0] / np.float32(127.5) - 1
    np.testing.assert_array_equal(gan(x), gan.generator(x))


def test_a_small_real_training_learns(tiny):
    config = tiny(
        data={"synthetic": {"train": 4}, "flip": False, "load_scale": 1.0},
        training={"batch_size": 4, "learning_rate": 5e-3, "decay_epochs": 0},
        loss={"whole_weight": 10.0, "mask_weight": 10.0},
    )
    gan = build_gan(config, steps_per_epoch=20)
    assert isinstance(gan, PairedGAN)
    batches = training_batches(
        load_training_pictures(config.data), config.data, config.deidentify, batch_size=4, seed=0
    )
    first, *_, last = train(gan, batches, 20, 3)
    assert last["l1"] < 0.7 * first["l1"]
    assert last["l1_mask"] < 0.8 * first["l1_mask"]
