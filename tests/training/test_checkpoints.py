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


@pytest.fixture
def two(tmp_path, make_gan):
    """A folder with checkpoints of the steps 4 and 8, and the weights of each."""
    gan, weights = make_gan(), {}
    checkpoints = Checkpoints(tmp_path, gan)
    for step in (4, 8):
        gan.step.assign(step)
        gan.generator.set_weights([weight + np.float32(step) for weight in gan.generator.get_weights()])
        checkpoints.save()
        weights[step] = gan.generator.get_weights()
    return tmp_path, weights


def check_restored(gan, weights):
    for weight, expected in zip(gan.generator.get_weights(), weights, strict=True):
        np.testing.assert_array_equal(weight, expected)


@pytest.mark.parametrize("content", [b"", b"garbage", b"\xff\xfe\x00", b'model_checkpoint_path: "elsewhere"\n', None])
def test_a_damaged_list_of_checkpoints_is_of_no_account(two, make_gan, content):
    folder, weights = two
    if content is None:
        (folder / "checkpoint").unlink()
    else:
        (folder / "checkpoint").write_bytes(content)
    gan = make_gan()
    checkpoints = Checkpoints(folder, gan)
    assert checkpoints.restore() == 8
    check_restored(gan, weights[8])
    gan.step.assign(12)
    checkpoints.save()
    assert sorted(path.name for path in folder.glob("*.index")) == ["ckpt-12.index", "ckpt-8.index"]
    assert tf.train.latest_checkpoint(folder).endswith("ckpt-12")


def flip(content):
    middle = len(content) // 2
    return content[:middle] + bytes(255 - byte for byte in content[middle : middle + 64]) + content[middle + 64 :]


DAMAGES = {"flipped": flip, "cut": lambda content: content[: len(content) // 2], "empty": lambda content: b""}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
@pytest.mark.parametrize(("file", "next_step"), [("ckpt-8.data-00000-of-00001", 5), ("ckpt-8.index", 8)])
def test_of_a_damaged_checkpoint_the_older_one_is_restored_and_said(two, make_gan, file, next_step, damage, caplog):
    folder, weights = two
    (folder / file).write_bytes(damage((folder / file).read_bytes()))
    gan = make_gan()
    checkpoints = Checkpoints(folder, gan)
    assert checkpoints.restore() == 4
    check_restored(gan, weights[4])
    (said,) = caplog.messages
    assert "ckpt-8: cannot be read" in said and said.endswith("going on from step 4") and "\n" not in said
    # What is damaged goes as soon as there is another one, even of the same step.
    gan.step.assign(next_step)
    checkpoints.save()
    assert {path.name for path in folder.glob("*.index")} == {"ckpt-4.index", f"ckpt-{next_step}.index"}
    assert Checkpoints(folder, make_gan()).restore() == next_step


def test_without_any_good_checkpoint_nothing_is_begun(two, make_gan):
    folder, _ = two
    for file in folder.glob("*.index"):
        file.write_bytes(b"garbage")
    with pytest.raises(UserError, match="ckpt-8: cannot be read .*nor any older checkpoint; delete") as raised:
        Checkpoints(folder, make_gan()).restore()
    assert "\n" not in str(raised.value)


def test_what_kills_left_goes_with_the_next_checkpoint(two, make_gan):
    folder, _ = two
    for name in ("ckpt-2.index", "ckpt-2.data-00000-of-00001", "ckpt-9.data-00000-of-00001.tempstate1"):
        (folder / name).write_bytes(b"left")
    (folder / "ckpt-notes.txt").touch()
    gan = make_gan()
    checkpoints = Checkpoints(folder, gan)
    assert checkpoints.restore() == 8
    gan.step.assign(12)
    checkpoints.save()
    parts = ("data-00000-of-00001", "index")
    kept = [f"ckpt-{step}.{part}" for step in (12, 8) for part in parts]
    assert sorted(path.name for path in folder.iterdir()) == sorted(["checkpoint", "ckpt-notes.txt", *kept])


def test_what_is_known_of_an_epoch_that_is_cut_comes_and_goes_with_its_checkpoint(tmp_path, make_gan):
    gan = make_gan()
    checkpoints = Checkpoints(tmp_path, gan)
    gan.step.assign(5)
    checkpoints.save({"steps": 1})
    checkpoints.save()  # is saved already
    assert checkpoints.epoch(5) == {"steps": 1} and checkpoints.epoch(4) is None
    for step in (6, 7):
        gan.step.assign(step)
        checkpoints.save()
    assert checkpoints.epoch(5) is None and not list(tmp_path.glob("*.json"))


def test_spoiled_weights_are_not_saved(tmp_path, make_gan):
    gan = make_gan()
    checkpoints = Checkpoints(tmp_path, gan)
    checkpoints.save()
    gan.step.assign(5)
    gan.generator.weights[0].assign(np.full(gan.generator.weights[0].shape, np.nan))
    with pytest.raises(UserError, match="weights are not finite at step 5.*last checkpoint is kept"):
        checkpoints.save()
    assert Checkpoints(tmp_path, make_gan()).restore() == 0
