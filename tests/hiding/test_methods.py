import cv2
import numpy as np
import pytest
from PIL import Image

from keras_deid.hiding import methods


def grey(rows):
    return np.repeat(np.array(rows, np.uint8)[:, :, None], 3, axis=2)


def as_rows(pixels):
    assert (pixels == pixels[..., :1]).all()
    return pixels[..., 0].tolist()


def noise(height=20, width=30, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


FOUR = grey([[0, 10, 20, 30], [40, 50, 60, 70], [80, 90, 100, 110], [120, 130, 140, 150]])


# ---- Blocks ---------------------------------------------------------------------------------------------------------


def test_block_means_by_hand():
    expected = [[25, 25, 45, 45], [25, 25, 45, 45], [105, 105, 125, 125], [105, 105, 125, 125]]
    assert as_rows(methods.block_means(FOUR, 2)) == expected


def test_the_grid_starts_where_it_is_told():
    # Corners of blocks at x = -1, 1, 3 and y = 0, 2, 4: the first and the last column are blocks of their own.
    expected = [[20, 35, 35, 50], [20, 35, 35, 50], [100, 115, 115, 130], [100, 115, 115, 130]]
    assert as_rows(methods.block_means(FOUR, 2, (-1, 0))) == expected
    assert as_rows(methods.block_means(FOUR, 2, (1, 4))) == expected


def test_blocks_need_not_be_whole_pixels():
    # 1.5 pixels wide: pixel j is in block floor((j + 0.5) / 1.5), which is 0, 1, 1, 2.
    expected = [[0, 15, 15, 30], [60, 75, 75, 90], [60, 75, 75, 90], [120, 135, 135, 150]]
    assert as_rows(methods.block_means(FOUR, 1.5)) == expected


def test_block_samples_are_the_upper_left_pixels():
    assert as_rows(methods.block_samples(FOUR, 2)) == [[0, 0, 20, 20]] * 2 + [[80, 80, 100, 100]] * 2
    # A block that begins outside of the rectangle gives the first pixel inside.
    assert as_rows(methods.block_samples(FOUR, 3, (1, 0))) == [[0, 10, 10, 10]] * 3 + [[120, 130, 130, 130]]


@pytest.mark.parametrize("method", [methods.block_means, methods.block_samples])
def test_blocks_of_a_pixel_or_less_change_nothing(method):
    for block in (1.0, 0.3):
        np.testing.assert_array_equal(method(noise(), block), noise())


def test_one_block_over_everything_is_the_mean():
    assert (methods.block_means(noise(), 100) == np.round(noise().mean(axis=(0, 1)))).all()


# ---- Shrunk and enlarged --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", methods.PILLOW_FILTERS)
def test_pillow_s_filters_are_pillow_s(name):
    small = Image.fromarray(noise()).resize((6, 4), getattr(Image.Resampling, name.upper()))
    expected = cv2.resize(np.asarray(small), (30, 20), interpolation=cv2.INTER_NEAREST)
    np.testing.assert_array_equal(methods.shrink_and_enlarge(noise(), 5, name, "nearest"), expected)


@pytest.mark.parametrize("name", methods.OPENCV_FILTERS)
def test_opencv_s_filters_are_opencv_s(name):
    filters = {"shrink": getattr(cv2, f"INTER_{name.upper()}"), "enlarge": cv2.INTER_LINEAR}
    small = cv2.resize(noise(), (6, 4), interpolation=filters["shrink"])
    expected = cv2.resize(small, (30, 20), interpolation=filters["enlarge"])
    np.testing.assert_array_equal(methods.shrink_and_enlarge(noise(), 5, name, "linear"), expected)


def test_shrinking_leaves_a_pixel():
    assert len(np.unique(methods.shrink_and_enlarge(FOUR, 100, "area", "nearest"))) == 1


def test_an_unknown_filter_is_an_error():
    with pytest.raises(ValueError, match="Expected a filter of .* Received: 'sinc'"):
        methods.shrink_and_enlarge(FOUR, 2, "sinc", "nearest")


# ---- Blurs ----------------------------------------------------------------------------------------------------------


def point(side=31):
    picture = np.zeros((side, side, 3), np.uint8)
    picture[side // 2, side // 2] = 255
    return picture


def test_box_blur_is_the_mean_over_a_square():
    assert methods.box_blur(FOUR, 3)[1, 1, 0] == 50  # of 0 to 100, the upper left 3 x 3
    np.testing.assert_array_equal(methods.box_blur(noise(), 7, 3), cv2.blur(noise(), (7, 3)))


def test_gaussian_falls_off_as_it_should():
    row = methods.gaussian(np.repeat(point()[15:16], 31, axis=0), 2.0)[15, :, 0].astype(float)
    # A line of light: exp(-x^2 / (2 sigma^2)) / (sigma sqrt(2 pi)) of 255
    expected = 255 * np.exp(-(np.arange(-15, 16) ** 2) / 8) / (2 * np.sqrt(2 * np.pi))
    np.testing.assert_allclose(row, expected, atol=1.5)  # OpenCV cuts it off at three sigma


def test_pillow_s_gaussian_keeps_what_is_flat_and_blurs_an_edge():
    step = np.repeat(np.uint8([0] * 15 + [200] * 15)[None, :, None], 20, axis=0).repeat(3, axis=2)
    blurred = methods.pillow_gaussian(step, 2.0)[10, :, 0]
    assert (blurred[0], blurred[-1]) == (0, 200) and (np.diff(blurred.astype(int)) >= 0).all()
    assert 90 <= (int(blurred[14]) + int(blurred[15])) / 2 <= 110


def test_median_takes_the_middle_and_an_odd_width():
    assert methods.median(FOUR, 3)[1, 1, 0] == 50
    np.testing.assert_array_equal(methods.median(point(), 4.2), np.zeros_like(point()))
    np.testing.assert_array_equal(methods.median(noise(), 4), cv2.medianBlur(noise(), 5))


@pytest.mark.parametrize("angle", [0, 37, 90, 151])
@pytest.mark.parametrize("length", [1, 6.4, 15])
def test_a_motion_blur_keeps_the_brightness(length, angle):
    flat = np.full((20, 30, 3), 140, np.uint8)
    np.testing.assert_array_equal(methods.motion_blur(flat, length, angle), flat)


def test_a_motion_blur_runs_along_its_angle():
    across, down = (methods.motion_blur(point(), 9, angle)[..., 0] for angle in (0, 90))
    assert np.flatnonzero(across.any(axis=1)).tolist() == [15] and np.count_nonzero(across[15]) == 9
    assert np.flatnonzero(down.any(axis=0)).tolist() == [15] and np.count_nonzero(down[:, 15]) == 9
    assert across[15, 11:20].tolist() == [round(255 / 9)] * 9


def test_scattered_pixels_come_from_nearby():
    height, width, distance = 20, 30, 3.4
    rows, columns = np.mgrid[:height, :width].astype(np.uint8)
    places = np.dstack([rows, columns, np.zeros_like(rows)])
    scattered = methods.scatter(places, distance, np.random.default_rng(0)).astype(int)
    moved = np.abs(scattered - places)
    assert moved.max() == 3 and (moved[..., 2] == 0).all()
    assert np.abs((scattered - places)[5:15, 5:25].mean(axis=(0, 1))).max() < 0.6  # as far up as down
    assert (moved[..., :2].sum(axis=2) > 0).mean() > 0.7


# ---- Fills ----------------------------------------------------------------------------------------------------------


def test_solid_is_one_colour():
    assert (methods.solid(noise(), (1, 20, 255)) == [1, 20, 255]).all()
    assert methods.solid(noise(), (1, 20, 255)).shape == noise().shape


def test_noise_comes_in_squares_of_its_grain():
    filled = methods.noise(FOUR, 2, np.random.default_rng(0))
    np.testing.assert_array_equal(methods.block_samples(filled, 2), filled)
    assert len(np.unique(filled.reshape(-1, 3), axis=0)) == 4
    again = methods.noise(FOUR, 2, np.random.default_rng(0))
    np.testing.assert_array_equal(again, filled)
