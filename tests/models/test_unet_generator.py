import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_deid.models.unet_generator import unet_generator


def pictures(height=16, width=16, count=1):
    return np.random.default_rng(0).uniform(-1, 1, (count, height, width, 3)).astype("float32")


def layers_of(model, kind):
    return {layer.name: layer for layer in model.layers if isinstance(layer, kind)}


def test_parameter_count_of_the_reference():
    model = unet_generator((256, 256, 3))
    assert sum(int(np.prod(weight.shape)) for weight in model.trainable_weights) == 54_413_955
    assert model.get_layer("bottleneck").output.shape == (None, 1, 1, 512)
    assert set(layers_of(model, keras.layers.Dropout)) == {"up_1_dropout", "up_2_dropout", "up_3_dropout"}
    # The paper's decoder, counted with the skips: 1024 four times, 512, 256, 128.
    ends = [model.get_layer(f"up_{index}").output.shape[1:] for index in range(1, 8)]
    assert [shape[-1] for shape in ends] == [1024, 1024, 1024, 1024, 512, 256, 128]
    assert [shape[0] for shape in ends] == [2, 4, 8, 16, 32, 64, 128]


def test_layers_are_named():
    names = [layer.name for layer in unet_generator((32, 32, 3), filters=2).layers]
    assert names == [
        "deidentified",
        "down_1_conv",
        *("down_2_relu", "down_2_conv", "down_2_norm"),
        *("down_3_relu", "down_3_conv", "down_3_norm"),
        *("down_4_relu", "down_4_conv", "down_4_norm"),
        *("down_5_relu", "down_5_conv"),
        "bottleneck",
        *("up_1_conv", "up_1_norm", "up_1_dropout", "up_1_skip", "up_1"),
        *("up_2_conv", "up_2_norm", "up_2_skip", "up_2"),
        *("up_3_conv", "up_3_norm", "up_3_skip", "up_3"),
        *("up_4_conv", "up_4_norm", "up_4_skip", "up_4"),
        *("head_conv", "restored"),
    ]


@pytest.mark.parametrize(
    ("shape", "encoder", "dropped"),
    [
        ((16, 16, 3), [2, 4, 8, 16], 0),
        ((64, 64, 3), [2, 4, 8, 16, 16, 16], 2),
        ((32, 96, 3), [2, 4, 8, 16, 16], 1),
        ((16, 24 * 16, 3), [2, 4, 8, 16], 0),
        ((512, 512, 3), [2, 4, 8, 16, 16, 16, 16, 16, 16], 3),
    ],
)
def test_a_stage_for_each_halving(shape, encoder, dropped):
    model = unet_generator(shape, filters=2)
    assert model.output_shape == (None, *shape)
    down = layers_of(model, keras.layers.Conv2D)
    assert [down[f"down_{index + 1}_conv"].filters for index in range(len(encoder))] == encoder
    up = layers_of(model, keras.layers.Conv2DTranspose)
    assert [layer.filters for layer in up.values()] == [*encoder[-2::-1], 3]
    assert len(layers_of(model, keras.layers.Dropout)) == dropped


def test_settings_of_the_reference():
    model = unet_generator((16, 16, 3), filters=64)
    assert all(layer.negative_slope == 0.2 for layer in layers_of(model, keras.layers.LeakyReLU).values())
    for norm in layers_of(model, keras.layers.BatchNormalization).values():
        assert (norm.momentum, norm.epsilon) == (0.9, 1e-5)
    kernel, gamma = model.get_layer("down_3_conv").kernel.numpy(), model.get_layer("down_3_norm").gamma.numpy()
    assert (abs(kernel.mean()), kernel.std()) == (pytest.approx(0, abs=2e-4), pytest.approx(0.02, rel=0.02))
    assert (gamma.mean(), gamma.std()) == (pytest.approx(1, abs=5e-3), pytest.approx(0.02, rel=0.2))
    assert [name for name, layer in layers_of(model, keras.layers.Conv2D).items() if layer.use_bias] == []
    up = layers_of(model, keras.layers.Conv2DTranspose)
    assert [name for name, layer in up.items() if layer.use_bias] == ["head_conv"]


def impulse_response(layer, side, at):
    """What a layer makes (in its first channel) of a single 1 at position `at` of a map (in its first channel)."""
    values = np.zeros((1, side, side, layer.input.shape[-1]), "float32")
    values[0, at, at, 0] = 1
    return np.asarray(layer(values))[0, :, :, 0]


def test_convolutions_are_aligned_like_the_reference_s():
    # PyTorch's Conv2d(4, stride=2, padding=1): out[i] = sum over k of in[2 i - 1 + k] * kernel[k]
    model = unet_generator((16, 16, 3), filters=2)
    layer = model.get_layer("down_1_conv")
    kernel = np.zeros((4, 4, 3, 2), "float32")
    kernel[:, :, 0, 0] = np.arange(1, 17).reshape(4, 4)
    layer.set_weights([kernel])
    inside = impulse_response(layer, 16, at=5)
    # 5 = 2 i - 1 + k: i = 2 with k = 2, i = 3 with k = 0
    np.testing.assert_array_equal(inside[2:4, 2:4], [[11, 9], [3, 1]])
    assert np.count_nonzero(inside) == 4
    assert impulse_response(layer, 16, at=0)[0, 0] == 6  # k = 1: a row of padding lies before the picture
    assert impulse_response(layer, 16, at=15)[7, 7] == 11  # k = 2: and one behind it


def test_transposed_convolutions_are_aligned_like_the_reference_s():
    # PyTorch's ConvTranspose2d(4, stride=2, padding=1): out[2 i - 1 + k] += in[i] * kernel[k]
    model = unet_generator((16, 16, 3), filters=2)
    layer = model.get_layer("up_1_conv")
    kernel = np.zeros((4, 4, 8, 16), "float32")
    kernel[:, :, 0, 0] = np.arange(1, 17).reshape(4, 4)
    layer.set_weights([kernel])
    expected = np.zeros((8, 8))
    expected[3:7, 3:7] = np.arange(1, 17).reshape(4, 4)
    np.testing.assert_array_equal(impulse_response(layer, 4, at=2), expected)
    assert impulse_response(layer, 4, at=0)[0, 0] == 6  # padded away: what would lie before the edge
    assert impulse_response(layer, 4, at=3)[7, 7] == 11


def test_the_decoder_sees_the_encoder_of_its_size():
    model = unet_generator((16, 16, 3), filters=2)
    for index, encoded in ((1, "down_3_norm"), (2, "down_2_norm"), (3, "down_1_conv")):
        skip = model.get_layer(f"up_{index}_skip")
        sources = [tensor._keras_history.operation.name for tensor in skip._inbound_nodes[0].input_tensors]
        assert sources == [encoded, f"up_{index}_norm"]


def test_tanh_bounds_the_picture():
    model = unet_generator((16, 16, 3), filters=2)
    model.get_layer("head_conv").bias.assign([50.0, -50.0, 0.0])
    restored = np.asarray(model(pictures()))
    assert restored[..., 0].min() == 1 and restored[..., 1].max() == -1
    assert np.abs(restored[..., 2]).max() < 1


def test_restoring_draws_no_noise_and_looks_at_no_other_picture():
    model = unet_generator((32, 32, 3), filters=2)
    x = pictures(32, 32, 3)
    for _ in range(3):
        trained = model(x, training=True)
    restored = np.asarray(model(x, training=False))
    np.testing.assert_allclose(model(x[:1], training=False), restored[:1], atol=1e-6)
    assert np.abs(np.asarray(model(x, training=True)) - np.asarray(trained)).max() > 1e-4


def test_without_dropout_there_is_none():
    assert layers_of(unet_generator((64, 64, 3), filters=2, dropout=0.0), keras.layers.Dropout) == {}


@pytest.mark.parametrize("precision", ["float32", "mixed_float16", "mixed_bfloat16"])
def test_gives_finite_float32(policy, precision):
    policy(precision)
    model = unet_generator((32, 32, 3), filters=2)
    assert model.get_layer("up_1_conv").compute_dtype == precision.removeprefix("mixed_")
    restored = model(pictures(32, 32, 1), training=True)
    assert restored.dtype == tf.float32
    assert np.isfinite(restored).all()


@pytest.mark.parametrize("shape", [(8, 8, 3), (24, 32, 3), (64, 40, 3), (None, None, 3), (32, None, 3)])
def test_a_size_that_cannot_be_halved_four_times_is_an_error(shape):
    with pytest.raises(ValueError, match=r"divisible by 16. Received: input_shape=\("):
        unet_generator(shape)


def test_saves_and_loads_in_safe_mode(tmp_path):
    model = unet_generator((32, 32, 3), filters=2)
    model(pictures(32, 32, 2), training=True)
    model.save(tmp_path / "generator.keras")
    loaded = keras.saving.load_model(tmp_path / "generator.keras", safe_mode=True)
    x = pictures(32, 32, 2)
    np.testing.assert_allclose(loaded(x), model(x), atol=1e-6)
