import numpy as np
import pytest

pytest.importorskip("torch")

from benchmarks.torch_contestant import Contestant, TorchGAN  # noqa: E402
from benchmarks.torch_contestant import torch as pytorch  # noqa: E402
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
            np.testing.assert_allclose(np.sort(average.numpy().ravel()), np.sort(weight.ravel()), atol=2e-4)


def test_keeps_one_form_of_each():
    config, batch = _config("l1", "none"), _batch()
    gan = build_gan(config, steps_per_epoch=10)
    weights = gan.generator.get_weights(), gan.discriminator.get_weights()
    contestant = Contestant(config, "mixed_bfloat16", 1, batch, weights)
    tried = contestant.keep_the_fastest(0.01)
    assert {what: len(forms) for what, forms in tried.items()} == {"training": 2, "restoring": 4}
    assert contestant.training_rate(0.01) > 0
    assert contestant.restoring_rate(0.01) > 0
