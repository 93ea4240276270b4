import math

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from keras_deid.data.crops import Square, square_about
from keras_deid.data.crops import cut_square as cut_by_the_client
from keras_deid.data.images import resize_image
from keras_deid.restoring.found import given_region
from keras_deid.serving.graph.regions import cut_square, in_region, paste, plan_parts

SIZE = 16

traced = tf.function(
    plan_parts,
    input_signature=[
        tf.TensorSpec((None, 4), tf.float32),
        tf.TensorSpec((), tf.float64),
        tf.TensorSpec((2,), tf.int32),
    ],
)
traced_cut = tf.function(
    lambda picture, square: cut_square(picture, square, SIZE),
    input_signature=[tf.TensorSpec((None, None, 3), tf.uint8), tf.TensorSpec((3,), tf.int32)],
)
traced_in_region = tf.function(
    in_region,
    input_signature=[
        tf.TensorSpec((None, None, 3), tf.uint8),
        tf.TensorSpec((3,), tf.int32),
        tf.TensorSpec((4,), tf.int32),
    ],
)


def planned(boxes, context, size):
    return traced(tf.constant(boxes, tf.float32, (len(boxes), 4)), context, size).numpy().tolist()


def random_picture(height, width):
    return np.random.default_rng(0).integers(0, 256, (height, width, 3)).astype("uint8")


def test_a_region_is_cut_with_context():
    assert planned([(40, 30, 60, 50)], 2.0, (100, 200)) == [[30, 20, 40, 40, 30, 60, 50]]


def test_a_box_with_fractions_is_covered_and_one_at_the_border_cut():
    rows = planned([(40.2, 30.9, 60.5, 50.1), (-5, -5, 20, 20)], 2.0, (100, 200))
    assert [row[3:] for row in rows] == [[40, 30, 61, 51], [0, 0, 20, 20]]
    # The square may reach beyond the picture: it is about the region.
    assert rows[1][:3] == [-10, -10, 40]


def test_what_is_no_box_is_left_out():
    infinite, nothing = (0, 0, np.inf, 9), (0, 0, 0, 0)
    boxes = [nothing, (np.nan, 0, 9, 9), infinite, (9, 9, 3, 3), (200, 0, 220, 9), (-9, 0, 0, 9), (0, 0, 4, 4)]
    assert planned(boxes, 1.0, (100, 200)) == [[0, 0, 4, 0, 0, 4, 4]]
    assert planned([], 1.0, (100, 200)) == []
    assert planned([(0, 0, 4, 4)], 1.0, (0, 200)) == []


NUMBERS = st.one_of(
    st.integers(-50, 300),
    st.floats(-50, 300, width=32, allow_subnormal=False),
    st.floats(-(2.0**120), 2.0**120, width=32, allow_subnormal=False),
)


@settings(max_examples=200)
@given(
    box=st.tuples(NUMBERS, NUMBERS, NUMBERS, NUMBERS),
    context=st.sampled_from([1.0, 1.25, 1.3, 2.0, 3.7]),
    size=st.tuples(st.integers(1, 250), st.integers(1, 250)),
)
def test_equals_the_rule_of_the_client(box, context, size):
    box = tuple(float(np.float32(edge)) for edge in box)
    try:
        region = given_region(box, size).box
    except ValueError:
        expected = []
    else:
        expected = [[*square_about(region, context), *region]]
    assert planned([box], context, size) == expected


def test_a_square_beyond_the_picture_repeats_its_edge():
    picture = random_picture(6, 9)
    seen = traced_cut(picture, (-5, -4, SIZE)).numpy()
    np.testing.assert_array_equal(seen, np.pad(picture, ((4, 6), (5, 2), (0, 0)), mode="edge"))


SQUARES = [
    Square(20, 10, SIZE),  # as it is
    Square(20, 10, 2 * SIZE),  # two by two
    Square(20, 10, 50),
    Square(20, 10, 5),  # is enlarged
    Square(-8, -3, 40),  # beyond a corner
    Square(100, 60, 48),  # beyond the opposite corner
    Square(-30, -60, 200),  # larger than the picture
    Square(-3, 85, 9),
    Square(-149, -89, 150),  # shares a pixel's row with the picture
]


@pytest.mark.parametrize("square", SQUARES)
def test_a_square_is_cut_as_by_the_client(square):
    picture = random_picture(90, 150)
    expected = cut_by_the_client(picture, square, SIZE)
    np.testing.assert_allclose(np.int32(traced_cut(picture, square).numpy()), expected, atol=1)


@settings(max_examples=100)
@given(st.data())
def test_what_a_square_shows_in_a_region_is_what_the_client_puts_back(data):
    side = data.draw(st.integers(1, 90))
    left, top = data.draw(st.integers(-20, 20)), data.draw(st.integers(-20, 20))
    x0, y0 = data.draw(st.integers(0, side - 1)), data.draw(st.integers(0, side - 1))
    x1, y1 = data.draw(st.integers(x0 + 1, side)), data.draw(st.integers(y0 + 1, side))
    restored = random_picture(SIZE, SIZE)
    region = (left + x0, top + y0, left + x1, top + y1)
    shown = traced_in_region(restored, (left, top, side), region).numpy()
    np.testing.assert_allclose(np.int32(shown), resize_image(restored, (side, side))[y0:y1, x0:x1], atol=1)


def test_a_square_far_larger_than_the_picture_takes_no_memory_of_its_own():
    picture = random_picture(2, 60_000)
    context = 50.0  # a square of nine million million pixels
    (row,) = planned([(0, 0, 60_000, 2)], context, (2, 60_000))
    assert row[2] == 3_000_000 == math.ceil(60_000 * context)
    seen = traced_cut(picture, row[:3]).numpy()
    # The first of the sixteen columns is left of the picture, the last right of it; all rows but the middle are edges.
    top = picture[0, 0].astype(int)
    np.testing.assert_array_equal(seen[0, 0], top)
    np.testing.assert_array_equal(seen[-1, -1], picture[-1, -1])
    assert traced_in_region(seen, row[:3], row[3:]).shape == (2, 60_000, 3)


@settings(max_examples=50)
@given(st.data())
def test_pasting_replaces_the_region_alone(data):
    height, width = data.draw(st.integers(1, 90)), data.draw(st.integers(1, 90))
    x0, y0 = data.draw(st.integers(0, width - 1)), data.draw(st.integers(0, height - 1))
    x1, y1 = data.draw(st.integers(x0 + 1, width)), data.draw(st.integers(y0 + 1, height))
    random = np.random.default_rng(0)
    picture, restored = random.integers(0, 256, (2, height, width, 3)).astype("uint8")
    pasted = paste(tf.constant(picture), tf.constant(restored[y0:y1, x0:x1]), tf.constant((x0, y0, x1, y1))).numpy()
    picture[y0:y1, x0:x1] = restored[y0:y1, x0:x1]
    np.testing.assert_array_equal(pasted, picture)
