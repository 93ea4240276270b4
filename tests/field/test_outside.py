import math

import numpy as np
import pytest

from keras_deid.field.outside import MARGIN, changed_outside, difference_outside


def test_pixels_that_changed_outside_of_all_boxes_are_counted():
    before = np.zeros((20, 30, 3), np.uint8)
    after = before.copy()
    after[2:5, 3:6] = 9  # in the first box
    after[10, 10, 1] = 1  # in the second
    assert changed_outside(before, after, [(3, 2, 6, 5), (10, 10, 11, 11)]) == 0
    assert changed_outside(before, after, [(3, 2, 6, 5)]) == 1
    assert changed_outside(before, after, []) == 10
    assert changed_outside(before, after, [(3, 2, 5, 5)]) == 4  # the box ends before its right edge


def test_the_difference_leaves_out_what_is_near_the_hidden_pixels():
    before = np.full((40, 40, 3), 100, np.uint8)
    mask = np.zeros((40, 40), np.float32)
    mask[20, 20] = 0.2
    after = before.copy()
    after[20 - MARGIN : 21 + MARGIN, 20 - MARGIN : 21 + MARGIN] = 0
    assert difference_outside(before, after, mask) == 0
    after[20, 21 + MARGIN] = 130
    outside = 40 * 40 - (2 * MARGIN + 1) ** 2
    assert difference_outside(before, after, mask) == pytest.approx(30 / outside)
    after[20, 21 + MARGIN] = 70
    assert difference_outside(before, after, mask) == pytest.approx(30 / outside)


def test_without_an_outside_there_is_no_difference():
    picture = np.zeros((8, 8, 3), np.uint8)
    assert math.isnan(difference_outside(picture, picture, np.ones((8, 8), np.float32)))
