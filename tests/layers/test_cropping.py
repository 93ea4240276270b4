import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_deid.layers.cropping import BorderCropping2D


@pytest.mark.parametrize("cropping", [((1, 0), (1, 0)), ((0, 2), (1, 3))])
def test_values_and_gradient_are_those_of_keras(cropping):
    x = tf.constant(np.random.default_rng(0).normal(size=(2, 6, 7, 3)).astype("float32"))
    results = []
    for layer in (BorderCropping2D(cropping), keras.layers.Cropping2D(cropping)):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = layer(x)
            loss = tf.reduce_sum(y**3)
        results.append((y, tape.gradient(loss, x)))
    np.testing.assert_array_equal(*(y for y, _ in results))
    np.testing.assert_array_equal(*(gradient for _, gradient in results))


def test_the_gradient_of_what_was_cut_off_is_zero():
    x = tf.ones((1, 3, 3, 1))
    with tf.GradientTape() as tape:
        tape.watch(x)
        loss = tf.reduce_sum(BorderCropping2D(((1, 0), (1, 0)))(x))
    expected = [[0, 0, 0], [0, 1, 1], [0, 1, 1]]
    np.testing.assert_array_equal(tape.gradient(loss, x)[0, ..., 0], expected)


def test_saves_and_loads_with_any_size(tmp_path):
    picture = keras.Input((None, None, 2))
    model = keras.Model(picture, BorderCropping2D(((1, 0), (1, 0)))(picture))
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras", safe_mode=True)
    x = np.random.default_rng(0).normal(size=(1, 5, 4, 2)).astype("float32")
    assert loaded.output_shape == (None, None, None, 2)
    np.testing.assert_array_equal(loaded(x), x[:, 1:, 1:])


def test_files_of_older_runs_are_readable():
    layer = keras.saving.deserialize_keras_object(
        {
            "module": "keras_deid.layers.cropping",
            "class_name": "Cropping2D",
            "config": {"cropping": [[1, 0], [1, 0]], "data_format": "channels_last"},
            "registered_name": "keras_deid>Cropping2D",
        }
    )
    assert isinstance(layer, BorderCropping2D)
