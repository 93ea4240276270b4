import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keras_deid.restoring.parts import NECK, parts


def grid(*circles, size=(40, 60)):
    inside = np.zeros(size, np.uint8)
    for x, y, radius in circles:
        cv2.circle(inside, (x, y), radius, 1, -1)
    return inside > 0


def test_two_circles_that_touch_are_two():
    left, right = grid((15, 20, 8)), grid((29, 20, 8))
    one, other = sorted(parts(left | right), key=lambda part: np.flatnonzero(part.any(axis=0))[0])
    assert (one & left).sum() >= 0.95 * left.sum() and (other & right).sum() >= 0.95 * right.sum()
    assert not (one & other).any() and ((one | other) == (left | right)).all()


def test_a_crowd_is_parted_into_its_faces():
    circles = [(8, 10, 6), (19, 10, 6), (30, 11, 6), (41, 10, 6), (19, 21, 6)]
    assert len(parts(grid(*circles))) == len(circles)


@pytest.mark.parametrize("apart", range(2, 16))
def test_the_neck_decides(apart):
    """Of two circles of radius 10 the neck is 2 sqrt(r^2 - (d / 2)^2) wide, the circles 2 r."""
    neck = np.sqrt(1 - (apart / 20) ** 2)
    found = len(parts(grid((20, 20, 10), (20 + apart, 20, 10))))
    if neck > NECK + 0.08:
        assert found == 1


@pytest.mark.parametrize(
    "inside",
    [
        np.ones((20, 50), bool),
        np.ones((1, 1), bool),
        grid((20, 20, 15)),
        grid((30, 20, 3)),
        np.tri(30, 30, dtype=bool),
        grid((20, 20, 12)) & (np.arange(60) > 14),
    ],
)
def test_what_is_convex_stays_whole(inside):
    (part,) = parts(inside)
    np.testing.assert_array_equal(part, inside)


def test_a_ragged_edge_is_no_part():
    inside = grid((25, 20, 10))
    inside[19:21, 34:42] = True
    inside[18:22, 40:43] = True
    assert len(parts(inside)) == 1


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 59), st.integers(0, 39), st.integers(1, 12)), min_size=1, max_size=5))
def test_the_parts_are_the_region(circles):
    inside = grid(*circles)
    count, labels = cv2.connectedComponents(inside.astype(np.uint8), connectivity=4)
    for label in range(1, count):
        found = parts(labels == label)
        np.testing.assert_array_equal(np.sum(found, axis=0), labels == label)
        assert all(part.any() for part in found)
