import keras
import numpy as np
import pytest

from keras_deid.models.dcgan import dcgan_discriminator, dcgan_generator


def trained(model):
    return sum(int(np.prod(weight.shape)) for weight in model.trainable_weights)


def test_parameter_counts_of_the_reference():
    assert trained(dcgan_generator()) == 3_576_704
    assert trained(dcgan_discriminator()) == 2_765_568


def test_layers_are_named():
    names = [layer.name for layer in dcgan_generator((32, 32, 3), filters=2, latent=4).layers]
    assert names == [
        *("latent", "latent_map"),
        *("draw_1_conv", "draw_1_norm", "draw_1_relu"),
        *("draw_2_conv", "draw_2_norm", "draw_2_relu"),
        *("draw_3_conv", "draw_3_norm", "draw_3_relu"),
        *("head_conv", "picture"),
    ]
    names = [layer.name for layer in dcgan_discriminator((32, 32, 3), filters=2).layers]
    assert names == [
        *("picture", "patch_1_conv", "patch_1_relu"),
        *("patch_2_conv", "patch_2_norm", "patch_2_relu"),
        *("patch_3_conv", "patch_3_norm", "patch_3_relu"),
        *("verdict_conv", "patch_logits"),
    ]


@pytest.mark.parametrize(
    ("side", "channels"), [(16, [4, 2, 3]), (64, [16, 8, 4, 2, 3]), (256, [16, 16, 16, 8, 4, 2, 3])]
)
def test_each_stage_doubles_and_eight_times_the_filters_is_the_most(side, channels):
    generator = dcgan_generator((side, side, 3), filters=2, latent=5)
    stages = [layer for layer in generator.layers if isinstance(layer, keras.layers.Conv2DTranspose)]
    assert [stage.filters for stage in stages] == channels
    assert [stage.output.shape[1] for stage in stages] == [4 * 2**n for n in range(len(stages))]
    assert generator.input_shape == (None, 5) and generator.output_shape == (None, side, side, 3)

    discriminator = dcgan_discriminator((side, side, 3), filters=2)
    stages = [layer for layer in discriminator.layers if isinstance(layer, keras.layers.Conv2D)]
    assert [stage.filters for stage in stages] == [*channels[-2::-1], 1]
    assert discriminator.output_shape == (None, 1, 1, 1)


def test_a_stage_is_aligned_as_in_the_reference():
    # PyTorch's ConvTranspose2d(4, stride 2, padding 1): out[i] gathers in[a] * kernel[i + 1 - 2a].
    generator = dcgan_generator((16, 16, 3), filters=1, latent=2)
    stage = generator.get_layer("draw_2_conv")
    given = np.random.default_rng(0).normal(size=(1, 4, 4, 2)).astype("float32")
    kernel = np.asarray(stage.kernel)
    expected = np.zeros((8, 8), "float32")
    for row, column in np.ndindex(4, 4):
        for i, j in np.ndindex(4, 4):
            to = (2 * row + i - 1, 2 * column + j - 1)
            if 0 <= min(to) and max(to) < 8:
                expected[to] += given[0, row, column] @ kernel[i, j, 0]
    np.testing.assert_allclose(np.asarray(stage(given))[0, ..., 0], expected, atol=1e-6)


def test_starts_as_the_reference_does():
    for model in (dcgan_generator((32, 32, 3), filters=16), dcgan_discriminator((32, 32, 3), filters=16)):
        for layer in model.layers:
            if isinstance(layer, keras.layers.BatchNormalization):
                gamma = np.asarray(layer.gamma)
                assert 0.005 < gamma.std() < 0.04 and abs(gamma.mean() - 1) < 0.02
                assert (layer.momentum, layer.epsilon) == (0.9, 1e-5)
            elif isinstance(layer, keras.layers.Conv2D | keras.layers.Conv2DTranspose):
                assert not layer.use_bias
                assert np.asarray(layer.kernel).std() == pytest.approx(0.02, rel=0.2)
    assert dcgan_discriminator((16, 16, 3), filters=2).get_layer("patch_1_relu").negative_slope == 0.2


@pytest.mark.parametrize("precision", ["mixed_float16", "mixed_bfloat16"])
def test_ends_in_float32_under_mixed_precision(policy, precision):
    policy(precision)
    drawn = dcgan_generator((16, 16, 3), filters=2, latent=4)(np.ones((2, 4), "float32"))
    logits = dcgan_discriminator((16, 16, 3), filters=2)(drawn)
    assert drawn.dtype == logits.dtype == "float32"
    assert np.abs(drawn).max() <= 1


@pytest.mark.parametrize("shape", [(8, 8, 3), (48, 48, 3), (32, 64, 3)])
@pytest.mark.parametrize("network", [dcgan_generator, dcgan_discriminator])
def test_other_sizes_are_refused(network, shape):
    with pytest.raises(ValueError, match="power of two"):
        network(shape)
