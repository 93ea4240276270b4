import numpy as np
import pytest

from keras_deid.data.flat import MOST_OFF, fill_flat


def ramp(size=32):
    """Brighter to the right, so that what fills a hole from both sides is in between."""
    return np.repeat(np.linspace(40, 200, size).astype(np.uint8)[None, :, None], size, axis=0).repeat(3, axis=2)


def hole(size=32):
    inside = np.zeros((size, size), np.float32)
    inside[10:22, 10:22] = 1
    return inside


def with_hole(colour):
    crop = ramp()
    crop[10:22, 10:22] = colour
    return crop


@pytest.mark.parametrize("colour", [(0, 0, 0), (255, 255, 255), (10, 200, 90)])
def test_a_flat_region_is_filled_from_around_it(colour):
    filled = fill_flat(with_hole(colour), hole())
    assert np.abs(filled[10:22, 10:22].astype(int) - ramp()[10:22, 10:22]).max() < 45
    assert np.abs(filled[16, 16].astype(int) - ramp()[16, 16]).max() < 20
    np.testing.assert_array_equal(filled[:6], ramp()[:6])


def test_a_region_with_a_grown_edge_is_filled_as_well():
    crop, inside = ramp(), np.zeros((32, 32), np.float32)
    crop[7:25, 7:25], inside[6:26, 6:26] = 0, 1
    assert fill_flat(crop, inside)[7:25, 7:25].min() > 40


def test_what_is_not_flat_stays():
    crop = with_hole((0, 0, 0))
    crop[10:22, 10:22:2] = 2 * MOST_OFF + 2
    assert fill_flat(crop, hole()) is crop


def test_noise_of_compression_is_flat():
    crop = with_hole((100, 100, 100))
    crop[10:22, 10:22] += np.random.default_rng(0).integers(0, 5, (12, 12, 3)).astype(np.uint8)
    assert fill_flat(crop, hole()) is not crop


def test_a_region_that_is_all_of_the_crop_or_tiny_stays():
    crop = np.zeros((16, 16, 3), np.uint8)
    assert fill_flat(crop, np.ones((16, 16), np.float32)) is crop
    tiny = np.zeros((16, 16), np.float32)
    tiny[4:6, 4:6] = 1
    assert fill_flat(crop, tiny) is crop
