import math

import numpy as np
import pytest

from keras_deid.hiding.shapes import SHAPES, opacity


def test_a_rectangle_is_all_of_it():
    np.testing.assert_array_equal(opacity((3, 5), "rectangle"), np.ones((3, 5), np.float32))


def test_an_ellipse_by_hand():
    expected = [[0, 1, 1, 0], [1, 1, 1, 1], [1, 1, 1, 1], [0, 1, 1, 0]]
    assert opacity((4, 4), "ellipse").tolist() == expected


def test_the_area_of_an_ellipse():
    inside = opacity((60, 90), "ellipse")
    assert inside.sum() == pytest.approx(math.pi / 4 * 60 * 90, rel=0.01)
    assert inside.any(axis=0).all() and inside.any(axis=1).all()  # it touches all four sides


def test_rounded_corners_lack_what_a_circle_leaves_of_a_square():
    # Radius 0.3 of the shorter side, 40 pixels: four corners of (1 - pi / 4) r^2 each.
    inside = opacity((40, 100), "rounded")
    assert (inside == 0).sum() == pytest.approx((4 - math.pi) * 12**2, rel=0.1)
    assert inside[0, 0] == inside[-1, -1] == 0
    assert inside[12:28].all() and inside[:, 12:88].all()


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("size", [(1, 1), (1, 9), (2, 2), (7, 3)])
def test_no_region_is_empty(shape, size):
    inside = opacity(size, shape)
    assert inside.shape == size and inside.dtype == np.float32
    assert set(np.unique(inside)) <= {0.0, 1.0} and inside.max() == 1
    assert opacity(size, shape, feather=3.0).max() > 0


def test_a_soft_edge_is_a_ramp_as_wide_as_asked_for():
    soft = opacity((40, 40), "rectangle", feather=3)
    # Pixel by pixel from the border: 1, 2, 3, 4 parts of 4, where OpenCV's distance grows by 0.955 a pixel.
    np.testing.assert_allclose(soft[20, :6], [0.25 * 0.955, 0.5 * 0.955, 0.75 * 0.955, 0.955, 1, 1], atol=1e-4)
    np.testing.assert_array_equal(soft, soft[::-1])
    np.testing.assert_array_equal(soft, soft.T)


@pytest.mark.parametrize("shape", SHAPES)
def test_a_soft_edge_lies_inside_the_shape(shape):
    hard, soft = opacity((30, 40), shape), opacity((30, 40), shape, feather=4)
    assert (soft <= hard).all() and (soft[hard > 0] > 0).all() and soft.max() == 1


def test_an_unknown_shape_is_an_error():
    with pytest.raises(ValueError, match="Expected a shape of .* Received: shape='star'"):
        opacity((4, 4), "star")
