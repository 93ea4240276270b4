import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keras_deid.restoring.detail import _starts, with_detail_of
from keras_deid.restoring.found import Region
from keras_deid.restoring.repair import restore_regions
from keras_deid.restoring.views import VIEWS

from .conftest import Fake


def noise(height, width, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


def negative(context):
    return Fake(lambda batch: 255 - batch, size=(64, 64), adds_detail=True, context=context)


def test_tiles_of_all_regions_go_through_the_model_together():
    model = negative(1.0)
    restore_regions(
        model,
        [noise(300, 300), noise(400, 400)],
        [[Region((10, 10, 210, 210))], [Region((5, 8, 205, 208)), Region((100, 100, 300, 300)), Region((0, 0, 9, 9))]],
    )
    # Four views of four regions; then three of 9 tiles, and three of 25.
    assert [len(batch) for batch in model.batches] == [4 * VIEWS, 27, 32, 32, 11]


def test_each_region_becomes_what_it_becomes_alone():
    pictures = [noise(300, 300), noise(500, 400, seed=1)]
    regions = [[Region((10, 10, 130, 190))], [Region((5, 8, 305, 308)), Region((300, 400, 340, 460))]]
    together = restore_regions(negative(1.25), pictures, regions)
    for picture, found, restored in zip(pictures, regions, together, strict=True):
        alone = picture.copy()
        for region in found:
            x0, y0, x1, y1 = region.box
            alone[y0:y1, x0:x1] = restore_regions(negative(1.25), [picture], [[region]])[0][y0:y1, x0:x1]
        np.testing.assert_array_equal(restored, alone)


def test_tiles_lie_over_the_region_and_not_over_what_surrounds_it():
    model = negative(1.25)
    restore_regions(model, [noise(400, 400)], [[Region((40, 60, 240, 260))]])
    # Of 128 pixels the region is 102 long, of 256 it is 205: 2 and 4 tiles of 64, a quarter of which may overlap.
    assert [len(batch) for batch in model.batches] == [VIEWS, 2 * 2, 4 * 4]


def test_large_regions_are_not_all_held_at_a_time():
    model = negative(1.0)
    boxes = [(0, 0, 2000, 2000), (10, 10, 2010, 2010), (0, 0, 20, 20)]
    opacity = np.zeros((2000, 2000), np.float32)
    opacity[:50, :50] = 1
    regions = [Region(boxes[0], 1.0, opacity), Region(boxes[1], 1.0, opacity), Region(boxes[2])]
    restore_regions(model, [noise(2010, 2010)], [regions])
    # Two squares of 4 million pixels are enough for one batch.
    assert [len(batch) for batch in model.batches if len(batch) != 2] == [2 * VIEWS, VIEWS]


@given(st.integers(4, 64), st.data())
def test_as_few_tiles_as_cover_what_is_covered(size, data):
    length = data.draw(st.integers(size, 6 * size))
    first = data.draw(st.integers(0, length - 1))
    last = data.draw(st.integers(first + 1, length))
    covered = np.zeros(length, bool)
    covered[[first, last - 1]] = True
    starts = _starts(covered, size)
    assert 0 <= starts[0] <= first and last <= starts[-1] + size <= length
    steps = np.diff(starts)
    assert (steps > 0).all() and (steps <= size - size // 4).all()
    assert len(starts) == 1 or size + (len(starts) - 2) * (size - size // 4) < last - first


@pytest.mark.parametrize(("first", "last", "expected"), [(13, 115, [8, 56]), (0, 64, [0]), (60, 128, [16, 64])])
def test_tiles_have_what_is_covered_in_their_middle(first, last, expected):
    covered = np.zeros(128, bool)
    covered[first:last] = True
    assert _starts(covered, 64) == expected


def test_of_an_answer_only_the_detail_is_taken():
    tile = noise(64, 64) // 2 + 64
    stripes = np.tile(np.array([-20, 20]), 32)[None, :, None]
    with_stripes = with_detail_of((tile.astype(int) + 40 + stripes).astype(np.uint8), tile)
    # All of the lighter answer is left out, and nearly nothing of the stripes.
    np.testing.assert_allclose(with_stripes - tile, np.broadcast_to(stripes, tile.shape), atol=1.0)


def test_a_face_that_is_painted_on_a_plain_tile_is_no_detail():
    tile = np.full((64, 64, 3), 120, np.uint8)
    painted = cv2.GaussianBlur(cv2.circle(tile.copy(), (32, 32), 10, (220, 160, 130), -1), (0, 0), 4)
    assert np.abs(painted.astype(int) - tile).max() > 60
    assert np.abs(with_detail_of(painted, tile) - tile).max() < 15
