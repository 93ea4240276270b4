import numpy as np
import pytest

from keras_deid.hiding.afterwards import Afterwards, compressed, shrunk


def smooth(height=40, width=60):
    rows, columns = np.mgrid[:height, :width]
    return np.dstack([rows * 4, columns * 4, 255 - columns * 4]).astype(np.uint8)


def rng():
    return np.random.default_rng(0)


def test_by_default_nothing_happens():
    np.testing.assert_array_equal(Afterwards().apply(smooth(), rng()), smooth())


@pytest.mark.parametrize(("factor", "size"), [(0.5, (20, 30)), (0.61, (24, 37)), (0.001, (1, 1))])
def test_shrinking_rounds_to_whole_pixels(factor, size):
    assert shrunk(smooth(), factor).shape == (*size, 3)
    assert shrunk(smooth()[..., 0].astype(np.float32), factor).shape == size


def test_shrinking_takes_means():
    mask = np.zeros((4, 4), np.float32)
    mask[:2, :3] = 1
    assert shrunk(mask, 0.5).tolist() == [[1, 0.5], [0, 0]]


def test_jpeg_is_the_same_every_time_and_keeps_the_colours():
    first, again = compressed(smooth(), 90), compressed(smooth(), 90)
    np.testing.assert_array_equal(first, again)
    assert np.abs(first.astype(int) - smooth()).mean() < 4  # RGB stays RGB
    noise = rng().integers(0, 256, (40, 60, 3), np.uint8)
    errors = [np.abs(compressed(noise, quality).astype(int) - noise).mean() for quality in (98, 70, 35)]
    assert errors == sorted(errors)


def test_noise_has_its_spread_and_its_seed():
    grey = np.full((100, 100, 3), 128, np.uint8)
    noisy = Afterwards(noise=4).apply(grey, rng())
    np.testing.assert_array_equal(noisy, Afterwards(noise=4).apply(grey, rng()))
    assert noisy.std() == pytest.approx(4, rel=0.03) and noisy.mean() == pytest.approx(128, abs=0.2)
    assert Afterwards(noise=9).apply(np.full((50, 50, 3), 254, np.uint8), rng()).min() > 200  # no overflow


def test_the_order_is_shrinking_noise_compression():
    after = Afterwards(shrink=0.5, noise=3, jpeg=60)
    expected = compressed(Afterwards(noise=3).apply(shrunk(smooth(), 0.5), rng()), 60)
    np.testing.assert_array_equal(after.apply(smooth(), rng()), expected)
