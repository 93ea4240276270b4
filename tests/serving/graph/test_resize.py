import numpy as np
import pytest
import tensorflow as tf

from keras_deid.data.images import resize_image
from keras_deid.serving.graph.resize import resize

traced = tf.function(resize, input_signature=[tf.TensorSpec((None, None, 3), tf.uint8), tf.TensorSpec((2,), tf.int32)])


def resized(picture, size):
    return traced(picture, size).numpy()


def test_smaller_is_the_mean_over_areas():
    picture = np.uint8([[0, 10, 20, 30], [2, 12, 22, 35]])[:, :, None].repeat(3, axis=2)
    np.testing.assert_array_equal(resized(picture, (1, 2))[0, :, 0], [6, 27])  # 6 and 26.75
    half = np.uint8([[0, 1], [1, 0]])[:, :, None].repeat(3, axis=2)
    assert resized(half, (1, 1))[0, 0, 0] == 1  # 0.5 goes up, as OpenCV has it


def test_larger_is_cubic_and_repeats_the_border():
    picture = np.uint8([[0, 0, 255, 255]])[:, :, None].repeat(3, axis=2)
    # At a quarter and three quarters between pixels the weights are (-27, 225, 67, -9) / 256.
    row = resized(picture, (1, 8))[0, :, 0]
    np.testing.assert_array_equal(row, [0, 0, 0, 58, 197, 255, 255, 255])
    flat = np.full((3, 2, 3), 77, np.uint8)
    np.testing.assert_array_equal(resized(flat, (50, 60)), np.full((50, 60, 3), 77))


@pytest.mark.parametrize(
    ("size", "target"),
    [
        ((100, 100), (64, 64)),
        ((128, 128), (64, 64)),
        ((67, 67), (64, 64)),
        ((256, 192), (64, 48)),
        ((64, 64), (64, 64)),
        ((1, 1), (1, 1)),
        ((64, 64), (65, 65)),
        ((64, 48), (640, 480)),
        ((3, 5), (16, 24)),
        ((1, 64), (3, 1000)),
    ],
)
def test_equals_what_prepared_the_training(size, target):
    picture = np.random.default_rng(0).integers(0, 256, (*size, 3)).astype("uint8")
    expected = resize_image(picture, target)
    difference = np.abs(np.int32(resized(picture, target)) - expected)
    assert difference.max() <= 1
    if target[0] <= size[0]:
        assert difference.max() == 0
