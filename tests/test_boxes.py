import math

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from keras_deid.boxes import (
    area,
    box_to_crop,
    clip_box,
    intersection,
    iou,
    scale_box,
    square_around,
)

coordinate = st.floats(-500, 2000)
length = st.floats(0.5, 1500)
sides = st.integers(1, 1500)


@st.composite
def boxes(draw):
    x0, y0 = draw(coordinate), draw(coordinate)
    return (x0, y0, x0 + draw(length), y0 + draw(length))


def test_scale_box():
    assert scale_box((10, 20, 30, 60), 1.5) == (5, 10, 35, 70)
    assert scale_box((10, 20, 30, 60), 0.5) == (15, 30, 25, 50)


@given(boxes(), st.floats(0.1, 10))
def test_scaling_keeps_the_centre_and_scales_back(box, factor):
    scaled = scale_box(box, factor)
    assert scaled[0] + scaled[2] == pytest.approx(box[0] + box[2], abs=1e-6)
    assert area(scaled) == pytest.approx(area(box) * factor**2, rel=1e-6)
    assert scale_box(scaled, 1 / factor) == pytest.approx(box, abs=1e-6)


@pytest.mark.parametrize("factor", [0, -1, math.nan])
def test_scale_box_needs_a_positive_factor(factor):
    with pytest.raises(ValueError, match="factor > 0"):
        scale_box((0, 0, 1, 1), factor)


def test_clip_box():
    assert clip_box((-5, 10, 50, 90), (80, 40)) == (0, 10, 40, 80)
    assert clip_box((50, 10, 60, 20), (80, 40)) == (40, 10, 40, 20)  # outside: nothing is left
    assert clip_box((5, 10, 20, 30), (80, 40)) == (5, 10, 20, 30)


@given(boxes(), sides, sides)
def test_what_is_clipped_lies_in_both(box, height, width):
    clipped = clip_box(box, (height, width))
    assert 0 <= clipped[0] <= clipped[2] <= width and 0 <= clipped[1] <= clipped[3] <= height
    assert area(clipped) == pytest.approx(area(intersection(box, (0, 0, width, height))))


@pytest.mark.parametrize(
    ("box", "context", "image_size", "expected"),
    [
        ((40, 30, 60, 50), 2.0, (100, 200), (30, 20, 70, 60)),  # in the middle
        ((40, 30, 50, 50), 2.0, (100, 200), (25, 20, 65, 60)),  # the longer side counts
        ((0, 0, 20, 20), 2.0, (100, 200), (0, 0, 40, 40)),  # shifted from the corner
        ((185, 85, 200, 100), 2.0, (100, 200), (170, 70, 200, 100)),  # shifted from the other corner
        ((90, 40, 110, 60), 10.0, (100, 200), (50, 0, 150, 100)),  # no larger than the picture
        ((10.5, 10.5, 20.5, 20.5), 1.0, (100, 200), (11, 11, 21, 21)),  # half pixels go up
        ((5, 5, 5.2, 5.2), 1.0, (100, 200), (5, 5, 6, 6)),  # one pixel at least
    ],
)
def test_square_around(box, context, image_size, expected):
    assert square_around(box, context, image_size) == expected


@given(boxes(), st.floats(1, 5), sides, sides)
def test_square_is_square_inside_and_holds_what_it_can(box, context, height, width):
    left, top, right, bottom = square_around(box, context, (height, width))
    side = right - left
    assert side == bottom - top >= 1
    assert 0 <= left and right <= width and 0 <= top and bottom <= height
    wanted = context * max(box[2] - box[0], box[3] - box[1])
    assert side == min(height, width) or abs(side - wanted) <= 0.5 or side == 1
    inside = clip_box(box, (height, width)) == box
    if inside and side >= wanted - 0.5:  # not shrunk to the picture: the face is in it, but for the rounding
        assert left <= box[0] + 1 and top <= box[1] + 1 and right >= box[2] - 1 and bottom >= box[3] - 1


def test_a_shift_of_one_leaves_the_box_at_the_edge():
    # 20 x 30 pixels in a square of 60: room for 20 on each side, and for 15 above and below.
    box = (100, 100, 120, 130)
    assert square_around(box, 2.0, (300, 300)) == (80, 85, 140, 145)
    assert square_around(box, 2.0, (300, 300), (1.0, -1.0)) == (100, 70, 160, 130)
    assert square_around(box, 2.0, (300, 300), (-0.5, 0.5)) == (70, 93, 130, 153)
    assert square_around(box, 2.0, (150, 150), (1.0, 1.0)) == (90, 90, 150, 150)  # stays in the picture


@given(st.floats(-1, 1), st.floats(-1, 1), st.integers(1, 60), st.integers(1, 60), st.floats(1, 4))
def test_however_it_is_shifted_the_box_stays_in_the_square(right, down, width, height, context):
    box = (100, 100, 100 + width, 100 + height)
    left, top, *_ = square = square_around(box, context, (400, 400), (right, down))
    assert square[2] - left == square[3] - top == round(context * max(width, height))
    assert left - 0.5 <= box[0] and box[2] <= square[2] + 0.5
    assert top - 0.5 <= box[1] and box[3] <= square[3] + 0.5


@pytest.mark.parametrize("context", [0.5, math.nan])
def test_square_needs_context(context):
    with pytest.raises(ValueError, match="context >= 1"):
        square_around((0, 0, 1, 1), context, (10, 10))


def test_square_needs_a_box():
    with pytest.raises(ValueError, match="x0 < x1"):
        square_around((5, 5, 5, 8), 2.0, (10, 10))


def test_box_to_crop():
    assert box_to_crop((40, 30, 60, 50), (30, 20, 70, 60), (80, 80)) == (20, 20, 60, 60)
    assert box_to_crop((40, 30, 60, 50), (0, 0, 200, 100), (50, 50)) == (10, 15, 15, 25)


@given(boxes(), st.integers(0, 500), st.integers(0, 500), sides, sides, sides, sides)
def test_box_to_crop_and_back(box, left, top, width, height, new_height, new_width):
    moved = box_to_crop(box, (left, top, left + width, top + height), (new_height, new_width))
    back = box_to_crop(
        moved,
        (0, 0, new_width, new_height),
        (height, width),
    )
    assert back == pytest.approx((box[0] - left, box[1] - top, box[2] - left, box[3] - top), abs=1e-6)


def test_iou():
    assert iou((0, 0, 10, 10), (0, 0, 10, 10)) == 1
    assert iou((0, 0, 10, 10), (5, 0, 15, 10)) == pytest.approx(50 / 150)
    assert iou((0, 0, 10, 10), (10, 0, 20, 10)) == 0  # exclusive on the right: they only touch
    assert iou((0, 0, 0, 0), (0, 0, 0, 0)) == 0


@given(boxes(), boxes())
def test_iou_is_symmetric_and_a_share(first, second):
    assert iou(first, second) == iou(second, first)
    assert 0 <= iou(first, second) <= 1 + 1e-9


@settings(suppress_health_check=[HealthCheck.filter_too_much])  # boxes drawn at random seldom meet
@given(boxes(), boxes())
def test_intersection_lies_in_both(first, second):
    shared = intersection(first, second)
    assume(area(shared) > 0)
    for box in (first, second):
        assert box[0] <= shared[0] and box[1] <= shared[1] and shared[2] <= box[2] and shared[3] <= box[3]
