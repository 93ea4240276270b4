import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_deid.models.patch_discriminator import patch_discriminator


@pytest.mark.parametrize(
    ("shape", "normalization", "count"),
    [((64, 64, 3), "instance", 2_764_737), ((64, 64, 6), "batch", 2_768_705)],
)
def test_parameter_counts_of_the_references(shape, normalization, count):
    model = patch_discriminator(shape, normalization=normalization)
    trained = sum(int(np.prod(weight.shape)) for weight in model.trainable_weights)
    assert trained == count


def test_has_30_by_30_patches_at_256_px():
    assert patch_discriminator((256, 256, 3), filters=2).output_shape == (None, 30, 30, 1)


def test_layers_are_named():
    names = [layer.name for layer in patch_discriminator((32, 32, 3), filters=2, layers=2).layers]
    assert names == [
        "picture",
        *("patch_1_pad", "patch_1_conv", "patch_1_relu"),
        *("patch_2_pad", "patch_2_conv", "patch_2_norm", "patch_2_relu"),
        *("patch_3_pad", "patch_3_conv", "patch_3_norm", "patch_3_relu"),
        *("verdict_pad", "verdict_conv", "patch_logits"),
    ]


def test_channels_double_up_to_eight_times_and_the_last_step_is_no_halving():
    model = patch_discriminator((128, 128, 3), filters=2, layers=5)
    convolutions = [layer for layer in model.layers if isinstance(layer, keras.layers.Conv2D)]
    assert [layer.filters for layer in convolutions] == [2, 4, 8, 16, 16, 16, 1]
    assert [layer.strides[0] for layer in convolutions] == [2, 2, 2, 2, 2, 1, 1]
    assert model.get_layer("patch_1_relu").negative_slope == 0.2


@pytest.mark.parametrize(("layers", "sight", "size"), [(1, 16, 32), (2, 34, 64), (3, 70, 128), (4, 142, 192)])
def test_a_patch_sees_exactly_its_receptive_field(layers, sight, size):
    # No normalization: statistics over the picture would let every patch see all of it.
    model = patch_discriminator((size, size, 3), filters=2, layers=layers, normalization="none")
    picture = tf.constant(np.random.default_rng(0).normal(size=(1, size, size, 3)).astype("float32"))
    middle = model.output_shape[1] // 2
    with tf.GradientTape() as tape:
        tape.watch(picture)
        logit = model(picture)[0, middle, middle, 0]
    seen = np.abs(tape.gradient(logit, picture).numpy()[0]).sum(axis=-1) > 0
    assert np.count_nonzero(seen.any(axis=0)) == sight
    assert np.count_nonzero(seen.any(axis=1)) == sight
    assert np.count_nonzero(seen) == sight**2
    # Up through two convolutions of stride 1, i -> i - 1, and `layers` of stride 2, i -> 2 i - 1:
    assert np.flatnonzero(seen.any(axis=1))[0] == 2**layers * (middle - 3) + 1


@pytest.mark.parametrize("shape", [(48, 80, 3), (None, None, 3)])
def test_sizes_may_differ_or_be_unknown(shape):
    model = patch_discriminator(shape, filters=2, layers=2)
    assert model(np.zeros((2, 48, 80, 3), "float32")).shape == (2, 10, 18, 1)


@pytest.mark.parametrize("precision", ["mixed_float16", "mixed_bfloat16"])
@pytest.mark.parametrize("normalization", ["instance", "batch", "none"])
def test_logits_are_float32_at_every_precision(policy, precision, normalization):
    policy(precision)
    model = patch_discriminator((16, 16, 3), filters=2, layers=1, normalization=normalization)
    assert model.get_layer("verdict_conv").compute_dtype == precision.removeprefix("mixed_")
    logits = model(np.full((1, 16, 16, 3), 0.5, "float32"))
    assert logits.dtype == tf.float32
    assert np.isfinite(logits).all()


def test_logits_are_not_bounded():
    model = patch_discriminator((16, 16, 3), filters=2, layers=1, normalization="none")
    model.get_layer("verdict_conv").bias.assign([40.0])
    assert np.asarray(model(np.zeros((1, 16, 16, 3), "float32"))).max() == 40


def test_an_unknown_normalization_is_an_error():
    with pytest.raises(ValueError, match="Received: normalization='layer'"):
        patch_discriminator((64, 64, 3), normalization="layer")


def test_saves_and_loads(tmp_path):
    model = patch_discriminator((32, 32, 3), filters=2, layers=2)
    model.save(tmp_path / "discriminator.keras")
    loaded = keras.saving.load_model(tmp_path / "discriminator.keras", safe_mode=True)
    picture = np.random.default_rng(0).uniform(-1, 1, (1, 32, 32, 3)).astype("float32")
    np.testing.assert_allclose(loaded(picture), model(picture), rtol=1e-5)
