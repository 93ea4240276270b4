import pytest
from hypothesis import given
from hypothesis import strategies as st

from keras_deid.hiding.region import region_around

SIZE = (100, 200)


def test_a_region_is_centred_on_the_face():
    assert region_around((40, 30, 60, 50), 1.5, SIZE) == (35, 25, 65, 55)
    assert region_around((40, 30, 60, 70), 1.0, SIZE) == (40, 30, 60, 70)


def test_edges_are_rounded_half_up():
    assert region_around((40.4, 30.5, 60.6, 50.49), 1.0, SIZE) == (40, 31, 61, 50)


def test_the_offset_is_in_sizes_of_the_face():
    assert region_around((40, 30, 60, 70), 1.0, SIZE, (0.1, -0.25)) == (42, 20, 62, 60)


@pytest.mark.parametrize(
    ("face", "expected"),
    [
        ((-10, -10, 20, 20), (0, 0, 20, 20)),
        ((180, 90, 220, 130), (180, 90, 200, 100)),
        ((-50, 40, -20, 60), (0, 40, 1, 60)),
        ((230, 140, 250, 160), (199, 99, 200, 100)),
        ((50, 50, 50.2, 50.2), (50, 50, 51, 51)),
    ],
)
def test_at_the_border_it_is_cut_and_never_empty(face, expected):
    assert region_around(face, 1.0, SIZE) == expected


@given(
    corner=st.tuples(st.floats(-50, 250), st.floats(-50, 150)),
    sides=st.tuples(st.floats(0.1, 300), st.floats(0.1, 300)),
    scale=st.floats(0.5, 3),
    size=st.tuples(st.integers(1, 120), st.integers(1, 220)),
)
def test_it_lies_inside_the_picture(corner, sides, scale, size):
    x0, y0, x1, y1 = region_around((*corner, corner[0] + sides[0], corner[1] + sides[1]), scale, size)
    assert 0 <= x0 < x1 <= size[1] and 0 <= y0 < y1 <= size[0]
