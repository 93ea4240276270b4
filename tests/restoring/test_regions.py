import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keras_deid.restoring.regions import Part, cut_out, part_around, put_back, whole_picture


def test_a_whole_picture_fills_the_model_in_its_proportions():
    assert whole_picture((100, 200), (64, 64)) == Part((0, 0, 200, 100), (0, 16, 64, 48), None)
    assert whole_picture((200, 100), (64, 64)) == Part((0, 0, 100, 200), (16, 0, 48, 64), None)
    assert whole_picture((1, 1000), (64, 64)).frame == (0, 31, 64, 32)


def test_a_region_is_cropped_with_context():
    part = part_around((40, 30, 60, 50), 2.0, (100, 200), (64, 64))
    assert part == Part((30, 20, 70, 60), (0, 0, 64, 64), (40, 30, 60, 50))


def test_a_box_with_fractions_is_covered_and_one_at_the_border_cut():
    assert part_around((40.2, 30.9, 60.5, 50.1), 2.0, (100, 200), (64, 64)).region == (40, 30, 61, 51)
    assert part_around((-5, -5, 20, 20), 2.0, (100, 200), (64, 64)).region == (0, 0, 20, 20)


@pytest.mark.parametrize("box", [(200, 0, 220, 20), (-20, 0, 0, 20), (10, 10, 10, 20)])
def test_a_box_outside_is_refused(box):
    with pytest.raises(ValueError, match="box inside the picture"):
        part_around(box, 2.0, (100, 200), (64, 64))


def test_the_edge_is_repeated_around_a_picture_that_does_not_fill_the_model():
    picture = np.random.default_rng(0).integers(0, 256, (4, 8, 3)).astype("uint8")
    seen = cut_out(picture, whole_picture((4, 8), (8, 8)), (8, 8))
    np.testing.assert_array_equal(seen, np.pad(picture, ((2, 2), (0, 0), (0, 0)), mode="edge"))


def test_what_the_model_leaves_alone_comes_back():
    picture = np.random.default_rng(0).integers(0, 256, (16, 24, 3)).astype("uint8")
    whole = whole_picture((16, 24), (16, 24))
    np.testing.assert_array_equal(put_back(picture, [whole], [cut_out(picture, whole, (16, 24))]), picture)


@given(st.data())
def test_only_the_regions_change(data):
    height, width = data.draw(st.integers(4, 60)), data.draw(st.integers(4, 60))
    x0, y0 = data.draw(st.integers(-3, width - 2)), data.draw(st.integers(-3, height - 2))
    box = (x0, y0, x0 + data.draw(st.integers(4, 30)), y0 + data.draw(st.integers(4, 30)))
    picture = np.full((height, width, 3), 10, np.uint8)
    part = part_around(box, 1.5, (height, width), (16, 24))
    assert cut_out(picture, part, (16, 24)).shape == (16, 24, 3)
    result = put_back(picture, [part], [np.full((16, 24, 3), 250, np.uint8)])
    left, top, right, bottom = part.region
    changed = np.zeros((height, width), bool)
    changed[top:bottom, left:right] = True
    expected = np.where(changed, 250, 10)  # to its very edge: nothing of the mosaic is left
    np.testing.assert_array_equal(result, np.stack([expected] * 3, axis=2))
    assert (picture == 10).all()


def test_where_regions_overlap_the_later_lies_on_top():
    picture = np.zeros((40, 40, 3), np.uint8)
    parts = [part_around(box, 1.0, (40, 40), (16, 16)) for box in ((5, 5, 25, 25), (15, 15, 35, 35))]
    result = put_back(picture, parts, [np.full((16, 16, 3), value, np.uint8) for value in (100, 200)])
    assert (result[10, 10, 0], result[20, 20, 0], result[30, 30, 0], result[2, 2, 0]) == (100, 200, 200, 0)
