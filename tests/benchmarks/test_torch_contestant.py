import numpy as np
import pytest

pytest.importorskip("torch")

from benchmarks.torch_contestant import Contestant  # noqa: E402
from benchmarks.torch_gan import TorchGAN  # noqa: E402
from benchmarks.torch_gan import torch as pytorch  # noqa: E402
from keras_deid.config import Config  # noqa: E402
from keras_deid.training.networks import build_gan  # noqa: E402


def _config(distance, composite):
    return Config.model_validate(
        {
            "data": {"image_size": [16, 16]},
            "generator": {"filters": 4, "blocks": 1, "reduction": 4},
            "discriminator": {"filters": 4, "layers": 1},
            "loss": {"distance": distance, "composite": composite, "whole_weight": 3.0, "mask_weight": 2.0},
            "training": {"learning_rate": 1e-3, "discriminator_learning_rate": 2e-3, "ema": 0.75},
        }
    )


def _batch():
    random = np.random.default_rng(0)
    y = random.integers(0, 256, (2, 16, 16, 3)).astype("uint8")
    mask = np.zeros((2, 16, 16, 1), "float32")
    mask[0, 2:7, 3:9] = 1
    return np.where(mask == 1, 128, y).astype("uint8"), y, mask


@pytest.mark.parametrize(("distance", "composite"), [("l1", "none"), ("charbonnier", "adversarial"), ("l1", "all")])
def test_training_steps_agree(distance, composite):
    config, batch = _config(distance, composite), _batch()
    gan = build_gan(config, steps_per_epoch=10)
    weights = gan.generator.get_weights(), gan.discriminator.get_weights()
    counterpart = TorchGAN(config, "float32", pytorch.channels_last, weights)
    for _ in range(3):
        gan.reset_metrics()
        expected = {name: float(value) for name, value in gan.train_step(batch).items()}
        received = {name: float(value) for name, value in counterpart.train_step(counterpart.batch(batch)).items()}
        assert received == pytest.approx(expected, rel=1e-3)
    for average, weight in zip(counterpart.averages, gan.restorer.get_weights(), strict=True):
        if weight.ndim == 4:  # a bias before a normalization has no gradient but rounding, which Adam makes large
            apart = np.abs(np.sort(average.numpy().ravel()) - np.sort(weight.ravel()))
            assert np.quantile(apart, 0.99) < 2e-4  # so has the odd weight of a kernel


def test_pix2pix_s_order_has_g_learn_from_what_d_says_after_its_own_step():
    config, batch = _config("charbonnier", "none"), _batch()
    gan = build_gan(config, steps_per_epoch=10)
    weights = gan.generator.get_weights(), gan.discriminator.get_weights()
    ours, theirs = (TorchGAN(config, "float32", pytorch.channels_last, weights) for _ in range(2))
    together = ours.train_step(ours.batch(batch))
    in_turn = theirs.train_step_in_turn(theirs.batch(batch))
    assert float(in_turn["d_loss"]) == pytest.approx(float(together["d_loss"]), rel=1e-6)
    assert float(in_turn["l1"]) == pytest.approx(float(together["l1"]), rel=1e-6)
    for one, other in zip(theirs.discriminator_weights, ours.discriminator_weights, strict=True):
        np.testing.assert_allclose(one.detach(), other.detach(), atol=1e-7)
    # D has learned meanwhile, and G is told what D says now.
    x, _, _ = theirs.batch(batch)
    fresh = TorchGAN(config, "float32", pytorch.channels_last, weights)
    with pytorch.no_grad():
        shown = fresh.generator(x.float() / 127.5 - 1.0)
        expected = pytorch.nn.functional.softplus(-theirs.discriminator(shown)).mean()
    assert float(in_turn["adversarial"]) == pytest.approx(float(expected), rel=1e-5)
    assert float(in_turn["adversarial"]) != pytest.approx(float(together["adversarial"]), rel=1e-3)
    assert all(weight.requires_grad for weight in theirs.discriminator_weights)


def test_keeps_one_form_of_each():
    config, batch = _config("l1", "none"), _batch()
    gan = build_gan(config, steps_per_epoch=10)
    weights = gan.generator.get_weights(), gan.discriminator.get_weights()
    contestant = Contestant(config, "mixed_bfloat16", 1, batch, weights, ("eager", "pix2pix"))
    tried = contestant.keep_the_fastest(0.01)
    assert {what: len(forms) for what, forms in tried.items()} == {
        "training, eager": 2,
        "training, pix2pix": 2,
        "restoring, eager": 4,
    }
    assert contestant.training_rate("eager", 0.01) > 0
    assert contestant.training_rate("pix2pix", 0.01) > 0
    assert contestant.restoring_rate("eager", 0.01) > 0
