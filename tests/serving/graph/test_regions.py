import numpy as np
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from keras_deid.restoring.regions import Part, part_around, put_back

from keras_deid.serving.graph.regions import cut, paste, plan_parts

MODEL_SIZE = (16, 24)


traced = tf.function(
    plan_parts,
    input_signature=[
        tf.TensorSpec((None, 4), tf.float32),
        tf.TensorSpec((), tf.float64),
        tf.TensorSpec((2,), tf.int32),
    ],
)


def planned(boxes, context, size):
    return traced(tf.constant(boxes, tf.float32, (len(boxes), 4)), context, size).numpy().tolist()


def test_a_region_is_cropped_with_context():
    assert planned([(40, 30, 60, 50)], 2.0, (100, 200)) == [[30, 20, 70, 60, 40, 30, 60, 50]]


def test_a_box_with_fractions_is_covered_and_one_at_the_border_cut():
    rows = planned([(40.2, 30.9, 60.5, 50.1), (-5, -5, 20, 20)], 2.0, (100, 200))
    assert [row[4:] for row in rows] == [[40, 30, 61, 51], [0, 0, 20, 20]]


def test_what_is_no_box_is_left_out():
    infinite, nothing = (0, 0, np.inf, 9), (0, 0, 0, 0)
    boxes = [nothing, (np.nan, 0, 9, 9), infinite, (9, 9, 3, 3), (200, 0, 220, 9), (-9, 0, 0, 9), (0, 0, 4, 4)]
    assert planned(boxes, 1.0, (100, 200)) == [[0, 0, 4, 4, 0, 0, 4, 4]]
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
    context=st.sampled_from([1.0, 1.3, 2.0, 3.7]),
    size=st.tuples(st.integers(1, 250), st.integers(1, 250)),
)
def test_equals_the_rule_of_the_client(box, context, size):
    box = tuple(float(np.float32(edge)) for edge in box)
    try:
        part = part_around(box, context, size, MODEL_SIZE)
    except ValueError:
        expected = []
    else:
        expected = [[*part.crop, *part.region]]
    assert planned([box], context, size) == expected


@settings(max_examples=50)
@given(st.data())
def test_pasting_equals_putting_back(data):
    height, width = data.draw(st.integers(1, 90)), data.draw(st.integers(1, 90))
    x0, y0 = data.draw(st.integers(0, width - 1)), data.draw(st.integers(0, height - 1))
    x1, y1 = data.draw(st.integers(x0 + 1, width)), data.draw(st.integers(y0 + 1, height))
    random = np.random.default_rng(0)
    picture, restored = random.integers(0, 256, (2, height, width, 3)).astype("uint8")
    whole, region = (0, 0, width, height), (x0, y0, x1, y1)
    # A model of the picture's own size: nothing is resized.
    expected = put_back(picture, [Part(whole, whole, region)], [restored])
    rectangle = tf.constant(region)
    pasted = paste(tf.constant(picture), cut(tf.constant(restored), rectangle), rectangle).numpy()
    np.testing.assert_array_equal(pasted, expected)
    picture[y0:y1, x0:x1] = restored[y0:y1, x0:x1]
    np.testing.assert_array_equal(pasted, picture)
