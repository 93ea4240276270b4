import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_deid.models.resnet_generator import resnet_generator

SMALL = {"filters": 4, "blocks": 1, "reduction": 4}


def pictures(height=16, width=16, count=1):
    return np.random.default_rng(0).uniform(-1, 1, (count, height, width, 3)).astype("float32")


@pytest.mark.parametrize(
    ("attention", "gate_init", "count"),
    [
        ("none", "open", 11_378_179),
        ("between", "default", 11_378_179 + 9 * 8562),
        ("branch", "open", 11_378_179 + 9 * 8563),
    ],
)
def test_parameter_counts_of_the_reference(attention, gate_init, count):
    assert resnet_generator((16, 16, 3), attention=attention, gate_init=gate_init).count_params() == count


def test_layers_are_named():
    names = [layer.name for layer in resnet_generator((16, 16, 3), **SMALL, dropout=0.5).layers]
    assert names == [
        "deidentified",
        *("stem_pad", "stem_conv", "stem_norm", "stem_relu"),
        *("down_1_pad", "down_1_conv", "down_1_norm", "down_1_relu"),
        *("down_2_pad", "down_2_conv", "down_2_norm", "down_2_relu"),
        *("block_1a_pad", "block_1a_conv", "block_1a_norm", "block_1a_relu", "block_1_dropout"),
        *("block_1b_pad", "block_1b_conv", "block_1b_norm", "block_1_sum"),
        "cbam_1",
        *("up_1_conv", "up_1_crop", "up_1_norm", "up_1_relu"),
        *("up_2_conv", "up_2_crop", "up_2_norm", "up_2_relu"),
        *("head_pad", "head_conv", "restored"),
    ]


def test_what_others_refer_to_is_there():
    model = resnet_generator((16, 16, 3), filters=4, blocks=3, reduction=4)
    for index in (1, 2, 3):
        assert model.get_layer(f"cbam_{index}").output.shape == (None, 4, 4, 16)
        assert model.get_layer(f"block_{index}_sum").output.shape == (None, 4, 4, 16)
    assert model.output is model.get_layer("restored").output


def inputs_of(model, name):
    return {tensor._keras_history.operation.name for tensor in model.get_layer(name)._inbound_nodes[0].input_tensors}


def test_where_attention_sits():
    between, branch, none = (
        resnet_generator((16, 16, 3), filters=4, blocks=2, reduction=4, attention=attention)
        for attention in ("between", "branch", "none")
    )
    assert inputs_of(between, "cbam_1") == {"block_1_sum"}
    assert inputs_of(between, "block_2_sum") == {"cbam_1", "block_2b_norm"}
    assert inputs_of(branch, "cbam_2") == {"block_2b_norm"}
    assert inputs_of(branch, "block_2_sum") == {"block_1_sum", "cbam_2"}
    assert inputs_of(none, "block_2_sum") == {"block_1_sum", "block_2b_norm"}


@pytest.mark.parametrize("upsampling", ["transposed", "resize"])
@pytest.mark.parametrize("shape", [(16, 24, 3), (None, None, 3)])
def test_sizes_may_differ_or_be_unknown(shape, upsampling):
    model = resnet_generator(shape, **SMALL, upsampling=upsampling)
    assert model.output_shape == (None, *shape)
    assert model(pictures(16, 24, 2)).shape == (2, 16, 24, 3)


@pytest.mark.parametrize("shape", [(18, 16, 3), (16, 30, 3), (None, 17, 3)])
def test_a_size_that_four_does_not_divide_is_an_error(shape):
    with pytest.raises(ValueError, match=r"divisible by 4. Received: input_shape=\("):
        resnet_generator(shape)


@pytest.mark.parametrize(
    ("option", "value"),
    [("attention", "after"), ("normalization", "batch"), ("upsampling", "shuffle"), ("gate_init", "ajar")],
)
def test_an_unknown_option_is_an_error(option, value):
    with pytest.raises(ValueError, match=f"`{option}` should be .* Received: {option}='{value}'"):
        resnet_generator((16, 16, 3), **SMALL, **{option: value})


@pytest.mark.parametrize("precision", ["float32", "mixed_float16", "mixed_bfloat16"])
@pytest.mark.parametrize(
    "options",
    [
        {"attention": "none", "global_skip": True},
        {"attention": "branch", "gate_init": "default", "upsampling": "resize"},
        {"attention": "between", "normalization": "none", "dropout": 0.5, "global_skip": True},
    ],
    ids=["none", "branch", "between"],
)
def test_every_option_gives_finite_float32(policy, precision, options):
    policy(precision)
    model = resnet_generator((16, 16, 3), **SMALL, **options)
    assert model.get_layer("block_1a_conv").compute_dtype == precision.removeprefix("mixed_")
    restored = model(pictures(), training=True)
    assert restored.dtype == tf.float32
    assert np.isfinite(restored).all()


def test_tanh_bounds_the_picture():
    model = resnet_generator((16, 16, 3), **SMALL)
    model.get_layer("head_conv").bias.assign([50.0, -50.0, 0.0])
    restored = np.asarray(model(pictures()))
    assert restored[..., 0].min() == 1 and restored[..., 1].max() == -1
    assert np.abs(restored[..., 2]).max() < 1


@pytest.mark.parametrize("normalization", ["instance", "none"])
def test_global_skip_adds_a_correction_to_the_input(normalization):
    model = resnet_generator((16, 16, 3), **SMALL, normalization=normalization, global_skip=True)
    x = pictures()
    head = keras.Model(model.input, model.get_layer("head_conv").output)
    np.testing.assert_allclose(np.asarray(model(x)) - x, np.asarray(head(x)), atol=1e-6)
    model.get_layer("head_conv").kernel.assign(np.zeros((7, 7, 4, 3)))
    np.testing.assert_array_equal(model(x), x)


def impulse_response(layers, side, at):
    """What (one channel of) layers in a row make of a single 1 at position `at` of a map."""
    values = np.zeros((1, side, side, layers[0].input.shape[-1]), "float32")
    values[0, at, at, 0] = 1
    for layer in layers:
        values = layer(values)
    return np.asarray(values)[0, :, :, 0]


def test_transposed_convolutions_are_aligned_like_the_reference_s():
    # PyTorch's ConvTranspose2d(3, stride=2, padding=1, output_padding=1): out[2 i - 1 + k] += in[i] * kernel[k]
    model = resnet_generator((16, 16, 3), **SMALL)
    convolution, crop = model.get_layer("up_1_conv"), model.get_layer("up_1_crop")
    kernel = np.zeros((3, 3, 8, 16), "float32")
    kernel[:, :, 0, 0] = [[1, 2, 3], [4, 5, 6], [7, 8, 9]]
    convolution.set_weights([kernel, np.zeros(8, "float32")])
    expected = np.zeros((8, 8))
    expected[3:6, 3:6] = [[1, 2, 3], [4, 5, 6], [7, 8, 9]]
    np.testing.assert_array_equal(impulse_response([convolution, crop], 4, at=2), expected)
    assert impulse_response([convolution, crop], 4, at=0)[0, 0] == 5  # padded away: what would lie before the edge
    assert impulse_response([convolution, crop], 4, at=3)[7, 7] == 9


def test_strided_convolutions_are_aligned_like_the_reference_s():
    # PyTorch's Conv2d(3, stride=2, padding=1): out[i] = sum over k of in[2 i - 1 + k] * kernel[k]
    model = resnet_generator((16, 16, 3), **SMALL)
    pad, convolution = model.get_layer("down_1_pad"), model.get_layer("down_1_conv")
    kernel = np.zeros((3, 3, 4, 8), "float32")
    kernel[:, :, 0, 0] = [[1, 2, 3], [4, 5, 6], [7, 8, 9]]
    convolution.set_weights([kernel, np.zeros(8, "float32")])
    even, odd = (impulse_response([pad, convolution], 16, at=at) for at in (4, 5))
    assert even.shape == (8, 8)
    assert even[2, 2] == 5 and np.count_nonzero(even) == 1
    np.testing.assert_array_equal(odd[2:4, 2:4], [[9, 7], [3, 1]])
    assert np.count_nonzero(odd) == 4


def test_open_gates_pass_the_trunk_s_signal_on_where_ordinary_ones_lose_it():
    x = pictures(32, 32)
    left = {}
    for gate_init in ("open", "default"):
        model = resnet_generator((32, 32, 3), filters=4, blocks=9, reduction=4, gate_init=gate_init)
        for index in range(1, 10):  # branches add nothing, so that what arrives has come along the trunk
            model.get_layer(f"block_{index}b_conv").kernel.assign(np.zeros((3, 3, 16, 16)))
        ends = [model.get_layer(name).output for name in ("down_2_relu", "cbam_9")]
        before, after = keras.Model(model.input, ends)(x)
        left[gate_init] = np.linalg.norm(after) / np.linalg.norm(before)
    assert left["open"] > 0.5
    assert left["default"] < 1e-3


def test_residual_scale_multiplies_what_a_branch_adds():
    x = np.random.default_rng(0).uniform(-1, 1, (1, 8, 8, 3)).astype("float32")
    added = []
    for scale in (1.0, 0.25):
        keras.utils.set_random_seed(0)
        model = resnet_generator((8, 8, 3), filters=4, blocks=1, attention="none", residual_scale=scale)
        block = model.get_layer("block_1_sum")
        parts = keras.Model(model.input, [block.input[0], block.output])
        trunk, total = parts(x)
        added.append(np.asarray(total - trunk))
    np.testing.assert_allclose(added[1], 0.25 * added[0], rtol=1e-4, atol=1e-6)


def test_small_ends_see_a_pixel_around():
    model = resnet_generator((16, 24, 3), **SMALL, ends=3)
    assert model.output_shape == (None, 16, 24, 3)
    kernels = {name: model.get_layer(f"{name}_conv").kernel.shape[:2] for name in ("stem", "head")}
    assert kernels == {"stem": (3, 3), "head": (3, 3)}
    ordinary = resnet_generator((16, 24, 3), **SMALL)
    channels = model.get_layer("stem_conv").filters
    assert ordinary.count_params() - model.count_params() == 2 * (7 * 7 - 3 * 3) * 3 * channels


def test_dropout_is_for_training_only():
    model = resnet_generator((16, 16, 3), **SMALL, dropout=0.5)
    x = pictures()
    np.testing.assert_array_equal(model(x, training=False), model(x, training=False))
    assert np.abs(np.asarray(model(x, training=True)) - np.asarray(model(x, training=True))).max() > 1e-4


@pytest.mark.parametrize(
    "options",
    [{}, {"attention": "branch", "gate_init": "default", "upsampling": "resize", "global_skip": True, "dropout": 0.5}],
    ids=["paper", "others"],
)
def test_saves_and_loads_in_safe_mode(tmp_path, options):
    model = resnet_generator((16, 16, 3), **SMALL, **options)
    model.save(tmp_path / "generator.keras")
    loaded = keras.saving.load_model(tmp_path / "generator.keras", safe_mode=True)
    assert [layer.name for layer in loaded.layers] == [layer.name for layer in model.layers]
    np.testing.assert_allclose(loaded(pictures()), model(pictures()), atol=1e-6)


# ---- Three downsamplings --------------------------------------------------------------------------------------------


def test_a_third_downsampling_and_its_layers():
    model = resnet_generator((16, 24, 3), filters=4, blocks=1, reduction=4, downsamplings=3)
    names = [layer.name for layer in model.layers]
    for level, (channels, factor) in {1: (8, 2), 2: (16, 4), 3: (32, 8)}.items():
        assert model.get_layer(f"down_{level}_relu").output.shape == (None, 16 // factor, 24 // factor, channels)
    for level, (channels, factor) in {1: (16, 4), 2: (8, 2), 3: (4, 1)}.items():
        assert model.get_layer(f"up_{level}_relu").output.shape == (None, 16 // factor, 24 // factor, channels)
    assert "down_4_conv" not in names and "up_4_conv" not in names
    assert model.get_layer("cbam_1").output.shape == (None, 2, 3, 32)
    assert model(pictures(16, 24, 2)).shape == (2, 16, 24, 3)


@pytest.mark.parametrize(("downsamplings", "upsampling"), [(1, "resize"), (3, "transposed"), (3, "resize")])
def test_parameter_counts_with_other_downsamplings(downsamplings, upsampling):
    model = resnet_generator(
        (16, 16, 3),
        filters=4,
        blocks=2,
        downsamplings=downsamplings,
        attention="none",
        normalization="none",
        upsampling=upsampling,
    )
    widths = [4 * 2**level for level in range(downsamplings + 1)]
    pairs = list(zip(widths, widths[1:], strict=False))
    kernels = 49 * 3 * 4 + 49 * 4 * 3 + 2 * sum(9 * a * b for a, b in pairs) + 2 * 2 * 9 * widths[-1] ** 2
    biases = 4 + 3 + sum(widths[1:]) + sum(widths[:-1]) + 2 * 2 * widths[-1]
    assert model.count_params() == kernels + biases


def test_a_size_that_eight_does_not_divide_is_an_error():
    with pytest.raises(ValueError, match=r"divisible by 8. Received: input_shape=\(12, 16, 3\)"):
        resnet_generator((12, 16, 3), downsamplings=3)
