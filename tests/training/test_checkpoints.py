import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_deid.errors import UserError
from keras_deid.training.checkpoints import Checkpoints
from keras_deid.training.networks import build_gan

from .conftest import state


@pytest.fixture
def everything(tiny):
    """Makes a model with all that has a state: dropout, pool, moving average, momentum, batch normalization."""

    def make(seed):
        keras.utils.set_random_seed(seed)
        config = tiny(
            generator={"dropout": 0.5},
            discriminator={"conditional": True},
            training={"pool": 3, "ema": 0.9, "precision": "float32", "seed": seed},
        )
        return build_gan(config, steps_per_epoch=10)

    return make


def batch(seed):
    random = np.random.default_rng(seed)
    x, y = (random.integers(0, 256, (2, 16, 16, 3)).astype("uint8") for _ in "xy")
    return x, y, np.ones((2, 16, 16, 1), "float32")


def test_a_restored_model_goes_on_as_if_it_had_never_stopped(tmp_path, everything):
    gan = everything(seed=1)
    for number in range(3):
        gan.train_step(batch(number))
    Checkpoints(tmp_path, gan).save()
    saved = state(gan)
    gan.train_step(batch(3))

    again = everything(seed=2)
    assert Checkpoints(tmp_path, again).restore() == 3
    for value, expected in zip(state(again), saved, strict=True):
        np.testing.assert_array_equal(value, expected)
    again.train_step(batch(3))
    for value, expected in zip(state(again), state(gan), strict=True):
        np.testing.assert_array_equal(value, expected)


def test_the_loss_scale_is_restored(tmp_path, policy, make_gan):
    policy("mixed_float16")

    def scaled():
        gan = make_gan()
        optimizers = [keras.optimizers.LossScaleOptimizer(keras.optimizers.Adam()) for _ in "GD"]
        gan.compile(*optimizers)
        return gan

    gan = scaled()
    for optimizer in (gan.generator_optimizer, gan.discriminator_optimizer):
        for index, variable in enumerate(optimizer.variables):
            variable.assign(keras.ops.full_like(variable, index + 2))
    Checkpoints(tmp_path, gan).save()
    again = scaled()
    Checkpoints(tmp_path, again).restore()
    for value, expected in zip(state(again), state(gan), strict=True):
        np.testing.assert_array_equal(value, expected)


def test_an_empty_folder_is_a_beginning(tmp_path, make_gan):
    gan = make_gan()
    before = state(gan)
    assert Checkpoints(tmp_path / "checkpoints", gan).restore() == 0
    for value, expected in zip(state(gan), before, strict=True):
        np.testing.assert_array_equal(value, expected)


def test_the_newest_two_are_kept_and_named_by_their_step(tmp_path, make_gan):
    gan = make_gan()
    checkpoints = Checkpoints(tmp_path, gan)
    for step in (4, 8, 12):
        gan.step.assign(step)
        checkpoints.save()
    assert sorted(path.name for path in tmp_path.glob("*.index")) == ["ckpt-12.index", "ckpt-8.index"]
    assert tf.train.latest_checkpoint(tmp_path).endswith("ckpt-12")
    # A later start goes on with the same two.
    again = Checkpoints(tmp_path, gan)
    assert again.restore() == 12
    gan.step.assign(16)
    again.save()
    assert sorted(path.name for path in tmp_path.glob("*.index")) == ["ckpt-12.index", "ckpt-16.index"]


def test_a_file_that_was_not_finished_is_passed_over(tmp_path, make_gan):
    gan = make_gan()
    gan.step.assign(5)
    Checkpoints(tmp_path, gan).save()
    (tmp_path / "ckpt-9.data-00000-of-00001.tempstate123").write_bytes(b"half")
    (tmp_path / "ckpt-9.index").write_bytes(b"")
    assert Checkpoints(tmp_path, gan).restore() == 5


def test_spoiled_weights_are_not_saved(tmp_path, make_gan):
    gan = make_gan()
    checkpoints = Checkpoints(tmp_path, gan)
    checkpoints.save()
    gan.step.assign(5)
    gan.generator.weights[0].assign(np.full(gan.generator.weights[0].shape, np.nan))
    with pytest.raises(UserError, match="weights are not finite at step 5.*last checkpoint is kept"):
        checkpoints.save()
    assert Checkpoints(tmp_path, make_gan()).restore() == 0
