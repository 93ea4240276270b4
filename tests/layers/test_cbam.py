import keras
import numpy as np
import pytest

from keras_deid.layers.cbam import CBAM

from .conftest import sigmoid


def maps(channels=32):
    return np.random.default_rng(0).normal(size=(2, 6, 6, channels)).astype("float32")


@pytest.mark.parametrize(("gate_init", "count"), [("default", 8562), ("open", 8563)])
def test_parameter_counts(gate_init, count):
    layer = CBAM(16, gate_init)
    layer.build((None, None, None, 256))
    assert layer.count_params() == count


def test_channels_come_first_then_positions():
    layer = CBAM(4, "default")
    inputs = maps()
    outputs = layer(inputs)
    by_channel = inputs * np.asarray(layer.channel_attention.gate(inputs))
    expected = by_channel * np.asarray(layer.spatial_attention.gate(by_channel))
    np.testing.assert_allclose(outputs, expected, rtol=1e-5)


@pytest.mark.parametrize(("gate_init", "start"), [("open", sigmoid(4.0)), ("default", 0.5)])
def test_where_both_gates_start(gate_init, start):
    layer, zeros = CBAM(4, gate_init), np.zeros((1, 3, 3, 8), "float32")
    layer.build(zeros.shape)
    for half in (layer.channel_attention, layer.spatial_attention):
        np.testing.assert_allclose(half.gate(zeros), start * np.ones_like(half.gate(zeros)), rtol=1e-6)


@pytest.mark.parametrize(("gate_init", "least", "most"), [("open", 0.5, 1.0), ("default", 0.0, 1e-3)])
def test_what_nine_in_a_row_leave_of_a_signal(gate_init, least, most):
    inputs = outputs = maps()
    for _ in range(9):
        outputs = CBAM(8, gate_init)(outputs)
    left = np.linalg.norm(outputs) / np.linalg.norm(inputs)
    assert least < left < most


def test_gates_learn():
    layer = CBAM(4)
    layer.build((None, 6, 6, 8))
    assert [weight.path.split("/", 1)[1] for weight in layer.trainable_weights] == [
        "channel_attention/squeeze/kernel",
        "channel_attention/squeeze/bias",
        "channel_attention/excite/kernel",
        "channel_attention/excite/bias",
        "spatial_attention/convolution/kernel",
        "spatial_attention/convolution/bias",
    ]


def test_unknown_gates_are_an_error():
    with pytest.raises(ValueError, match="Received: gate_init='ajar'"):
        CBAM(gate_init="ajar")


def test_a_reduction_that_does_not_divide_is_an_error():
    with pytest.raises(ValueError, match="reduction=5"):
        CBAM(5)(maps(32))


def test_keeps_shape_and_dtype():
    layer = CBAM(4, dtype="mixed_float16")
    assert layer(maps()).dtype == "float16"
    assert layer.compute_output_shape((None, None, 8, 32)) == (None, None, 8, 32)


def test_config_round_trip_gives_the_same_function():
    layer = CBAM(4, "default", name="attention")
    expected = layer(maps())
    again = CBAM.from_config(layer.get_config())
    assert (again.reduction, again.gate_init, again.name) == (4, "default", "attention")
    again.build((None, None, None, 32))
    again.set_weights(layer.get_weights())
    np.testing.assert_allclose(again(maps()), expected, rtol=1e-6)


@pytest.mark.parametrize(("gates", "gate_init"), [("ordinary", "default"), ("open", "open")])
def test_the_configuration_in_older_files_is_read(gates, gate_init):
    config = {**CBAM(4).get_config(), "gates": gates}
    del config["gate_init"]
    assert CBAM.from_config(config).gate_init == gate_init
    assert config["gates"] == gates


def test_saves_and_loads_inside_a_model(tmp_path):
    picture = keras.Input((6, 6, 32))
    model = keras.Model(picture, CBAM(4, name="cbam")(picture))
    model.save(tmp_path / "cbam.keras")
    loaded = keras.saving.load_model(tmp_path / "cbam.keras", safe_mode=True)
    np.testing.assert_allclose(loaded(maps()), model(maps()), rtol=1e-6)


def test_open_gates_are_open_whatever_the_input_and_the_seed():
    features = 10 * np.random.default_rng(0).normal(size=(2, 8, 8, 16)).astype("float32")
    for seed in range(3):
        keras.utils.set_random_seed(seed)
        kept = np.asarray(CBAM(4)(features)) / features
        np.testing.assert_allclose(kept, 0.98201**2, rtol=1e-4)
