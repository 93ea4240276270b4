import keras
import pytest

from keras_deid.training.networks import build_discriminator, build_gan, build_generator
from keras_deid.training.precision import set_precision


def test_precision_on_a_cpu_is_float32_unless_asked_for(policy):
    assert set_precision("auto") == "float32"
    assert keras.mixed_precision.dtype_policy().name == "float32"
    for precision in ("mixed_bfloat16", "mixed_float16", "float32"):
        assert set_precision(precision) == precision
        assert keras.mixed_precision.dtype_policy().name == precision


def test_precision_on_a_gpu_is_float16(policy, monkeypatch):
    monkeypatch.setattr("tensorflow.config.list_physical_devices", lambda kind: ["GPU:0"] if kind == "GPU" else [])
    assert set_precision("auto") == "mixed_float16"


def test_the_generator_is_the_configured_one(tiny):
    config = tiny(data={"image_size": [16, 32]}, generator={"blocks": 2, "attention": "branch", "dropout": 0.1})
    generator = build_generator(config)
    names = {layer.name for layer in generator.layers}
    assert generator.input_shape == generator.output_shape == (None, 16, 32, 3)
    assert generator.get_layer("stem_conv").filters == 4
    assert generator.get_layer("cbam_2").reduction == 4
    assert {"block_2_sum", "block_1_dropout"} <= names and "block_3_sum" not in names


@pytest.mark.parametrize(
    ("conditional", "channels", "norm"), [(False, 3, "InstanceNormalization"), (True, 6, "BatchNormalization")]
)
def test_the_discriminator_is_the_configured_one(tiny, conditional, channels, norm):
    config = tiny(data={"image_size": [16, 32]}, discriminator={"layers": 2, "conditional": conditional})
    discriminator = build_discriminator(config)
    assert discriminator.input_shape == (None, 16, 32, channels)
    assert discriminator.get_layer("patch_1_conv").filters == 4
    assert type(discriminator.get_layer("patch_2_norm")).__name__ == norm
    assert "patch_4_conv" not in {layer.name for layer in discriminator.layers}


def test_settings_reach_the_training_model(tiny):
    config = tiny(
        loss={"adversarial": "hinge", "adversarial_weight": 0.5, "distance": "charbonnier", "charbonnier_epsilon": 0.2,
              "whole_weight": 3.0, "mask_weight": 4.0, "composite": "all"},
        training={"pool": 7, "ema": 0.9, "learning_rate": 3e-4, "discriminator_learning_rate": 1e-4, "epochs": 2,
                  "decay_epochs": 1, "beta_1": 0.4, "beta_2": 0.9},
    )  # fmt: skip
    gan = build_gan(config, steps_per_epoch=10)
    assert (gan.adversarial_weight, gan.distance, gan.charbonnier_epsilon) == (0.5, "charbonnier", 0.2)
    assert (gan.whole_weight, gan.mask_weight, gan.composite, gan.ema) == (3.0, 4.0, "all", 0.9)
    assert (gan.fakes.size, tuple(gan.fakes.pictures.shape)) == (7, (7, 16, 16, 3))
    for optimizer, rate in ((gan.generator_optimizer, 3e-4), (gan.discriminator_optimizer, 1e-4)):
        assert isinstance(optimizer, keras.optimizers.Adam)
        assert (optimizer.beta_1, optimizer.beta_2, optimizer.epsilon) == (0.4, 0.9, 1e-8)
        rates = [float(optimizer._learning_rate(step)) for step in (0, 20, 25, 30)]
        assert rates == pytest.approx([rate, rate, rate / 2, 0], abs=1e-9)


def test_one_rate_is_for_both_unless_d_has_its_own(tiny):
    gan = build_gan(tiny(), steps_per_epoch=10)
    rates = [float(optimizer.learning_rate) for optimizer in (gan.generator_optimizer, gan.discriminator_optimizer)]
    assert rates == pytest.approx([2e-3, 2e-3])
    assert gan.fakes is None and gan.restorer is gan.generator


@pytest.mark.parametrize(("precision", "scaled"), [("mixed_float16", True), ("mixed_bfloat16", False)])
def test_only_float16_needs_its_losses_scaled(tiny, policy, precision, scaled):
    policy(precision)
    gan = build_gan(tiny(), steps_per_epoch=10)
    for optimizer in (gan.generator_optimizer, gan.discriminator_optimizer):
        assert isinstance(optimizer, keras.optimizers.LossScaleOptimizer) == scaled
        assert float(optimizer.learning_rate) == pytest.approx(2e-3)
    assert gan.generator.get_layer("stem_conv").compute_dtype == precision.removeprefix("mixed_")


def test_the_seed_makes_the_weights(tiny):
    def first_weights(seed):
        keras.utils.set_random_seed(seed)
        return build_generator(tiny()).get_layer("stem_conv").get_weights()[0]

    assert (first_weights(1) == first_weights(1)).all()
    assert (first_weights(1) != first_weights(2)).any()
