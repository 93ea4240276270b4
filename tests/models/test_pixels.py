import keras
import numpy as np

from keras_deid.models.pixels import to_signed, to_uint8


def test_black_grey_and_white():
    signed = keras.ops.convert_to_numpy(to_signed(np.uint8([0, 51, 255])))
    assert signed.dtype == np.float32
    np.testing.assert_allclose(signed, [-1, -0.6, 1], rtol=1e-6)
    np.testing.assert_allclose(to_signed(np.float64([0, 127.5, 255])), [-1, 0, 1], atol=1e-7)


def test_every_pixel_value_comes_back():
    values = np.arange(256, dtype=np.uint8)
    back = keras.ops.convert_to_numpy(to_uint8(to_signed(values)))
    assert back.dtype == np.uint8
    np.testing.assert_array_equal(back, values)


def test_rounds_to_the_nearest_and_clips_what_is_outside():
    signed = np.float32([-1.0, -1 + 0.6 / 127.5, 0.9 / 127.5, 1.0, 7.5, -3.0])
    np.testing.assert_array_equal(to_uint8(signed), [0, 1, 128, 255, 255, 0])


def test_takes_half_precision():
    np.testing.assert_array_equal(to_uint8(np.float16([-1, 1])), [0, 255])
