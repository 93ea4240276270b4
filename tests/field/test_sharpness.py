import math

import numpy as np
import pytest

from keras_deid.field.sharpness import gradient, relative_sharpness


def ramp(across, down, size=12):
    rows, columns = np.mgrid[:size, :size]
    grey = (across * columns + down * rows).astype(np.uint8)
    return np.repeat(grey[..., None], 3, axis=2)


ALL = np.ones((12, 12), bool)


@pytest.mark.parametrize(("across", "down", "expected"), [(3, 0, 3), (0, 5, 5), (3, 4, 5), (0, 0, 0)])
def test_the_gradient_of_a_ramp(across, down, expected):
    assert gradient(ramp(across, down), ALL) == pytest.approx(expected)


def test_sharpness_is_relative_to_the_original():
    assert relative_sharpness(ramp(6, 8), ramp(3, 4), ALL) == pytest.approx(0.5)
    assert relative_sharpness(ramp(6, 8), ramp(0, 0), ALL) == 0
    assert math.isnan(relative_sharpness(ramp(0, 0), ramp(3, 4), ALL))


def test_the_edge_of_the_region_is_no_detail():
    picture = np.full((12, 12, 3), 200, np.uint8)
    picture[4:8, 4:8] = 0
    region = np.zeros((12, 12), bool)
    region[4:8, 4:8] = True
    assert gradient(picture, region) == 0
    assert gradient(picture, ALL) > 0


def test_a_region_without_neighbours_has_no_sharpness():
    region = np.zeros((12, 12), bool)
    region[5, 5] = True
    assert math.isnan(gradient(ramp(3, 4), region))
