import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keras_deid.data.crops import Square, cut_square, square_about


def numbered(height, width):
    return np.arange(height * width, dtype=np.uint8).reshape(height, width)


# ---- square_about ---------------------------------------------------------------------------------------------------


def test_a_square_is_centred_on_its_region():
    assert square_about((40, 30, 60, 50), 2.0) == Square(30, 20, 40)
    assert square_about((40, 30, 60, 70), 1.25) == Square(25, 25, 50)
    assert square_about((40, 30, 60, 70), 1.25).edges == (25, 25, 75, 75)


def test_its_side_is_rounded_up_and_it_may_reach_beyond_the_picture():
    assert square_about((0, 0, 10, 5), 1.25) == Square(-1, -4, 13)
    assert square_about((0.25, 0, 0.5, 0.25), 1.0).side == 1


@pytest.mark.parametrize("context", [0.99, float("nan")])
def test_less_than_the_region_is_no_context(context):
    with pytest.raises(ValueError, match="Expected a context >= 1. Received: context="):
        square_about((0, 0, 10, 10), context)


@pytest.mark.parametrize("region", [(5, 5, 5, 9), (5, 5, 9, 4)])
def test_a_region_has_an_area(region):
    with pytest.raises(ValueError, match="Expected a region with x0 < x1"):
        square_about(region, 1.0)


@given(
    corner=st.tuples(st.integers(-300, 300), st.integers(-300, 300)),
    sides=st.tuples(st.integers(1, 500), st.integers(1, 500)),
    context=st.floats(1, 4),
)
def test_a_square_contains_its_region(corner, sides, context):
    region = (*corner, corner[0] + sides[0], corner[1] + sides[1])
    left, top, right, bottom = square_about(region, context).edges
    assert left <= region[0] and top <= region[1] and right >= region[2] and bottom >= region[3]
    assert right - left == bottom - top >= context * max(sides)
    # In the middle, to half a pixel.
    assert abs((left + right) - (region[0] + region[2])) <= 1 and abs((top + bottom) - (region[1] + region[3])) <= 1


# ---- cut_square -----------------------------------------------------------------------------------------------------


def test_inside_the_picture_it_is_cut_out():
    cut = cut_square(numbered(6, 8), Square(2, 1, 3), 3)
    assert cut.tolist() == [[10, 11, 12], [18, 19, 20], [26, 27, 28]] and cut.flags["C_CONTIGUOUS"]


def test_beyond_the_picture_its_edge_is_repeated():
    assert cut_square(numbered(2, 3), Square(-1, -1, 4), 4).tolist() == [
        [0, 0, 1, 2],
        [0, 0, 1, 2],
        [3, 3, 4, 5],
        [3, 3, 4, 5],
    ]
    assert cut_square(numbered(2, 3), Square(2, 1, 2), 2).tolist() == [[5, 5], [5, 5]]


def test_a_square_larger_than_the_picture():
    picture = np.random.default_rng(0).integers(0, 256, (5, 9, 3), np.uint8)
    cut = cut_square(picture, Square(-2, -4, 13), 13)
    np.testing.assert_array_equal(cut, np.pad(picture, ((4, 4), (2, 2), (0, 0)), mode="edge"))


def test_it_is_resized_by_means_over_areas():
    assert cut_square(numbered(4, 4), Square(0, 0, 4), 2).tolist() == [[3, 5], [11, 13]]  # 2.5, 4.5, ... up
    mask = np.zeros((4, 4), np.float32)
    mask[0, 0] = 1
    smaller = cut_square(mask, Square(0, 0, 4), 2)
    assert smaller.dtype == np.float32 and smaller.tolist() == [[0.25, 0], [0, 0]]


@pytest.mark.parametrize("square", [Square(8, 0, 3), Square(-3, 0, 3), Square(0, 6, 2), Square(0, -5, 5)])
def test_a_square_outside_is_an_error(square):
    with pytest.raises(ValueError, match=r"square inside the picture of size \(6, 8\). Received: Square"):
        cut_square(numbered(6, 8), square, 4)
