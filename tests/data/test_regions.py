import math

import numpy as np
import tensorflow as tf

from keras_deid.data.regions import region_mask, scale_boxes

from .drawn import as_rows, one


def test_ellipse_has_pi_quarters_of_the_area():
    mask = np.asarray(region_mask(one(10.5, 4, 90.5, 64), 70, 100, "ellipse"))
    assert abs(mask.sum() / (80 * 60) - math.pi / 4) < 0.005
    rectangle = np.asarray(region_mask(one(10.5, 4, 90.5, 64), 70, 100, "rectangle"))
    assert (mask <= rectangle).all()
    np.testing.assert_array_equal(mask[0, 4:64, 10:90], mask[0, 4:64, 10:90][::-1])


def test_mask_counts_pixel_centres():
    assert as_rows(region_mask(one(0.5, 0, 2.5, 1), 1, 4, "rectangle")) == [[1, 1, 0, 0]]
    assert as_rows(region_mask(one(0, 0, 3, 3), 3, 3, "ellipse")) == [[1, 1, 1], [1, 1, 1], [1, 1, 1]]
    assert as_rows(region_mask(one(0, 0, 4, 4), 4, 4, "ellipse"))[0] == [0, 1, 1, 0]
    for shape in ("rectangle", "ellipse"):
        assert not np.asarray(region_mask(one(2, 1, 2, 3), 4, 4, shape)).any()


def test_boxes_are_scaled_about_their_centre_and_clipped():
    result = scale_boxes(tf.constant([[4.0, 2, 8, 8], [0, 0, 10, 4], [30, 30, 40, 40]]), 1.5, 10, 12)
    np.testing.assert_allclose(result, [[3, 0.5, 9, 9.5], [0, 0, 12, 5], [12, 10, 12, 10]])
