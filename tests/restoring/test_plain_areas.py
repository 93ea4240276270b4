import numpy as np
import pytest

from keras_deid.restoring.found import Region
from keras_deid.restoring.plain_areas import is_plain_area

NOISE = np.random.default_rng(0).integers(0, 256, (100, 120, 3), np.uint8)
BOX = (40, 30, 80, 80)


def painted(box, colour=(255, 255, 255)):
    picture = NOISE.copy()
    x0, y0, x1, y1 = box
    picture[y0:y1, x0:x1] = colour
    return picture


def test_a_box_over_a_face_ends_at_its_edge():
    assert not is_plain_area(painted(BOX), Region(BOX))


def test_a_part_of_an_overexposed_sky_goes_on_around_it():
    assert is_plain_area(painted((0, 0, 120, 100)), Region(BOX))


def test_a_box_that_fills_the_picture_has_nothing_around_it():
    assert not is_plain_area(painted((0, 0, 120, 100)), Region((0, 0, 120, 100)))


def test_a_region_with_a_texture_is_no_plain_area():
    assert not is_plain_area(NOISE, Region(BOX))


@pytest.mark.parametrize(("sides", "goes_on"), [("", False), ("left", False), ("left below", True)])
def test_how_much_of_what_is_around_has_the_colour_decides(sides, goes_on):
    x0, y0, x1, y1 = BOX
    area = (x0 - 20 * ("left" in sides), y0, x1, y1 + 20 * ("below" in sides))
    assert is_plain_area(painted(area), Region(BOX)) == goes_on


def test_a_little_noise_counts_as_flat():
    noise = np.random.default_rng(1).integers(-2, 3, NOISE.shape)
    assert is_plain_area((128 + noise).astype(np.uint8), Region(BOX))


def test_the_shape_of_the_region_counts_and_not_its_box():
    rows, columns = np.mgrid[-1:1:50j, -1:1:40j]
    ellipse = rows**2 + columns**2 <= 1
    picture = np.full_like(NOISE, 200)
    picture[30:80, 40:80][ellipse] = 0  # a black ellipse on a grey wall
    assert not is_plain_area(picture, Region(BOX, opacity=ellipse.astype(np.float32)))


def test_a_region_of_a_few_pixels_is_left_as_it_is():
    assert not is_plain_area(painted((0, 0, 120, 100)), Region((5, 5, 9, 9), opacity=np.eye(4, dtype=np.float32)))
