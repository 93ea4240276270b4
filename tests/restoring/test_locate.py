import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keras_deid.restoring import locate, looks

PAINT = (255, 0, 255)
"""What the fake locator takes for hidden."""
GROWN = 3
"""Pixels by which a region is grown on each side."""


def find_regions(mark, image, threshold=0.5):
    return locate.find_regions(mark, image, threshold)


@pytest.fixture(autouse=True, scope="module")
def _at_their_own_size():
    """Leaves out the enlarged looks at small pictures, which have tests of their own: regions are then exact."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(looks, "_MOST_ENLARGED", 1.0)
        patch.setattr(looks, "_MOST_LARGEST", 1.0)
        yield


@pytest.fixture
def _enlarged(monkeypatch):
    monkeypatch.setattr(looks, "_MOST_ENLARGED", 1.4)
    monkeypatch.setattr(looks, "_MOST_LARGEST", 1.7)


@pytest.mark.usefixtures("_enlarged")
def test_small_pictures_are_looked_at_enlarged():
    mark, image = Mark(), paint(picture(), 101, 58, 161, 118)
    (region,) = find_regions(mark, image)
    assert_covers(region, image, (101, 58, 161, 118))
    # half, own, 1.4 and 1.7 times, in multiples of 32, each also mirrored
    assert mark.seen == [size for size in ((128, 160), (224, 320), (288, 448), (352, 512)) for _ in range(2)]


@pytest.mark.usefixtures("_enlarged")
@pytest.mark.parametrize(("side", "found"), [(40, True), (56, False)])
def test_at_the_largest_size_only_the_smallest_regions_count(side, found):
    image = paint(picture(), 100, 60, 100 + side, 60 + side)
    assert bool(find_regions(Mark(only=510), image)) == found  # 1.7 times 40 are 68 px, 1.7 times 56 are 95


def test_regions_that_touch_are_found_one_by_one():
    image = paint_ellipse(paint_ellipse(picture(), (100, 100), (30, 40)), (156, 100), (30, 40))
    regions = find_regions(Mark(only=300), image)
    assert len(regions) == 2
    for region, left in zip(sorted(regions, key=lambda region: region.box), (70, 126), strict=True):
        assert np.abs(np.subtract(region.box, (left, 60, left + 61, 141))).max() <= GROWN + 5


class Mark:
    """A locator that knows the paint: the painted fraction of each cell is its probability.

    Args:
        sure: probability of a cell that is painted all over.
        only: longer side of the pictures that it answers to; None: all.
    """

    def __init__(self, sure=1.0, only=None):
        self.sure, self.only, self.seen = sure, only, []

    def __call__(self, picture):
        height, width = picture.shape[:2]
        assert picture.dtype == np.uint8 and height % 32 == 0 and width % 32 == 0
        self.seen.append((height, width))
        painted = (np.abs(picture.astype(int) - PAINT).max(axis=2) < 100).astype(np.float32)
        if self.only is not None and not 0 <= max(height, width) - self.only < 32:
            painted[:] = 0
        return self.sure * cv2.resize(painted, (width // 4, height // 4), interpolation=cv2.INTER_AREA)


def picture(height=200, width=300):
    return np.full((height, width, 3), 90, np.uint8)


def paint(image, x0, y0, x1, y1):
    image[y0:y1, x0:x1] = PAINT
    return image


def paint_ellipse(image, centre, axes):
    cv2.ellipse(image, centre, axes, 0, 0, 360, PAINT, -1)
    return image


def full_opacity(region, image):
    full = np.zeros(image.shape[:2], np.float32)
    x0, y0, x1, y1 = region.box
    assert region.opacity.shape == (y1 - y0, x1 - x0) and region.opacity.dtype == np.float32
    assert region.opacity.min() >= 0 and region.opacity.max() <= 1
    full[y0:y1, x0:x1] = region.opacity
    return full


def assert_covers(region, image, box, most=4):
    """The region is the box, grown a little: nothing of it is missed, nothing far from it is taken."""
    x0, y0, x1, y1 = box
    assert np.abs(np.subtract(region.box, box)).max() <= most + GROWN
    height, width = image.shape[:2]
    clipped = max(x0, 0), max(y0, 0), min(x1, width), min(y1, height)
    assert region.box[0] <= clipped[0] and region.box[1] <= clipped[1]
    assert region.box[2] >= clipped[2] and region.box[3] >= clipped[3]
    full = full_opacity(region, image)
    rim = max(most // 2, 2)
    inside = full[clipped[1] + rim : clipped[3] - rim, clipped[0] + rim : clipped[2] - rim]
    assert inside.min() > 0.95


def test_a_square_is_found_to_the_pixel():
    image = paint(picture(), 101, 58, 161, 118)
    (region,) = find_regions(Mark(only=300), image)
    assert_covers(region, image, (101, 58, 161, 118), most=1)
    assert region.score > 0.8
    full = full_opacity(region, image)
    # Its corners are rounded a little; a few pixels away nothing is replaced.
    assert full[50:126, :93].max() == full[50:126, 170:].max() == full[:50].max() == full[127:].max() == 0


def test_on_the_grid_of_cells_it_is_exact():
    (region,) = find_regions(Mark(only=300), paint(picture(), 100, 60, 164, 124))
    assert region.box == (100 - GROWN, 60 - GROWN, 164 + GROWN, 124 + GROWN)
    assert region.score == pytest.approx(1.0)


@pytest.mark.parametrize(("side", "at"), [(12, (100, 60)), (16, (40, 180)), (24, (272, 0))])
def test_small_regions_have_the_score_of_their_own_cells(side, at):
    image = paint(picture(), *at, at[0] + side, at[1] + side)
    (region,) = find_regions(Mark(sure=0.6, only=300), image)
    assert region.score == pytest.approx(0.6, abs=1e-3)
    assert np.abs(np.subtract(region.box, (*at, at[0] + side, at[1] + side))).max() <= GROWN + 1


def test_an_ellipse_keeps_its_shape():
    image = paint_ellipse(picture(), (150, 100), (40, 55))
    (region,) = find_regions(Mark(only=300), image)
    assert np.abs(np.subtract(region.box, (110, 45, 191, 156))).max() <= GROWN + 3
    full, painted = full_opacity(region, image), (image == PAINT).all(axis=2)
    assert full[painted].mean() > 0.97
    grown = cv2.dilate(painted.astype(np.uint8), np.ones((17, 17), np.uint8)) > 0
    assert full[~grown].max() == 0
    height, width = region.opacity.shape
    assert region.opacity[0, 0] == region.opacity[-1, 0] == region.opacity[0, -1] == 0
    assert region.opacity.sum() == pytest.approx(np.pi / 4 * height * width, rel=0.1)


def test_several_regions_come_with_the_surest_first():
    image = paint(paint(picture(), 20, 20, 68, 84), 180, 100, 230, 150)

    def mark(picture):
        probability = Mark(only=300)(picture)
        probability[:23] *= 0.7  # in the upper 92 rows
        return probability

    surest, other = find_regions(mark, image)
    assert_covers(surest, image, (180, 100, 230, 150))
    assert_covers(other, image, (20, 20, 68, 84))
    assert surest.score > other.score and other.score == pytest.approx(0.7, abs=0.05)


@pytest.mark.parametrize(
    "box",
    [
        pytest.param((40, 90, 260, 118), id="ribbon"),
        pytest.param((40, 90, 48, 98), id="speck"),
        pytest.param((40, 10, 60, 190), id="post"),
    ],
)
def test_what_is_no_face_is_dropped(box):
    assert find_regions(Mark(), paint(picture(), *box)) == []


def test_a_frame_is_dropped():
    image = paint(picture(), 40, 40, 160, 160)
    image[56:144, 56:144] = 90
    assert find_regions(Mark(), image) == []


def test_a_hole_does_not_split_a_region():
    image = paint(picture(), 60, 60, 140, 140)
    image[96:108, 96:108] = 90
    (region,) = find_regions(Mark(only=300), image)
    assert np.abs(np.subtract(region.box, (60, 60, 140, 140))).max() <= 4 + GROWN


def test_a_plain_area_takes_no_region_with_it():
    image = paint(picture(400, 600), 200, 200, 260, 260)

    def mark(picture):
        probability = 0.9 * Mark(only=600)(picture)
        if picture.shape[1] < 400:  # at half the size: a part of the grey wall, and the face in it
            probability[5:34, 5:34] = 1.0
        return probability

    (region,) = find_regions(mark, image)
    assert_covers(region, image, (200, 200, 260, 260))


def test_in_a_clean_picture_there_is_nothing():
    mark = Mark()
    assert find_regions(mark, picture()) == [] and mark.seen


@pytest.mark.parametrize(("threshold", "found"), [(0.5, 1), (0.6, 1), (0.7, 0), (0.95, 0)])
def test_the_threshold_is_the_least_score(threshold, found):
    regions = find_regions(Mark(sure=0.65, only=300), paint(picture(), 100, 60, 164, 124), threshold)
    assert [round(region.score, 2) for region in regions] == [0.65] * found


def test_small_regions_of_a_large_picture_are_found_at_its_own_size():
    image = paint(picture(1248, 1664), 1000, 500, 1024, 524)
    mark = Mark(only=1664)
    (region,) = find_regions(mark, image)
    assert_covers(region, image, (1000, 500, 1024, 524))
    assert (1248, 1664) in mark.seen and (640, 832) in mark.seen


def test_large_regions_of_a_large_picture_are_found_when_it_is_shrunk():
    image = paint(picture(1248, 1664), 400, 300, 900, 1000)
    (region,) = find_regions(Mark(only=832), image)
    # A cell of the shrunk picture is eight pixels wide; what is grown is, too.
    assert_covers(region, image, (400, 300, 900, 1000), most=8)


def test_a_region_that_fills_a_large_picture_is_found_at_a_quarter():
    mark, image = Mark(only=208), paint(picture(600, 832), 100, 40, 660, 560)
    (region,) = find_regions(mark, image)
    assert_covers(region, image, (100, 40, 660, 560), most=8)
    assert mark.seen == [(160, 224), (160, 224), (320, 416), (608, 832)]  # and mirrored where something is hidden


def test_what_is_seen_at_several_sizes_is_found_once():
    image = paint(picture(1248, 1664), 400, 300, 640, 540)
    mark = Mark()
    (region,) = find_regions(mark, image)
    assert len(mark.seen) >= 2
    assert_covers(region, image, (400, 300, 640, 540), most=16)


@pytest.mark.parametrize("box", [(0, 0, 50, 60), (260, 150, 303, 207), (0, 60, 60, 120), (0, 0, 303, 207)])
def test_regions_at_the_border_end_with_the_picture(box):
    image = paint(picture(207, 303), *box)
    (region,) = find_regions(Mark(only=320), image)
    x0, y0, x1, y1 = region.box
    assert 0 <= x0 < x1 <= 303 and 0 <= y0 < y1 <= 207
    assert_covers(region, image, box)


@pytest.mark.parametrize("size", [(1, 1), (5, 40), (33, 31)])
def test_small_pictures_are_looked_at_as_well(size):
    image = np.full((*size, 3), PAINT, np.uint8)
    for region in find_regions(Mark(), image):
        x0, y0, x1, y1 = region.box
        assert 0 <= x0 < x1 <= size[1] and 0 <= y0 < y1 <= size[0]
        full_opacity(region, image)


@settings(max_examples=40)
@given(
    corner=st.tuples(st.integers(-20, 280), st.integers(-20, 180)),
    sides=st.tuples(st.integers(28, 90), st.integers(28, 80)),
)
def test_any_box_is_found_where_it_is(corner, sides):
    x0, y0 = max(corner[0], 0), max(corner[1], 0)
    x1, y1 = min(corner[0] + sides[0], 300), min(corner[1] + sides[1], 200)
    if min(x1 - x0, y1 - y0) < 20 or max(x1 - x0, y1 - y0) > 2.5 * min(x1 - x0, y1 - y0):
        return
    image = paint(picture(), x0, y0, x1, y1)
    (region,) = find_regions(Mark(only=300), image)
    assert_covers(region, image, (x0, y0, x1, y1))
