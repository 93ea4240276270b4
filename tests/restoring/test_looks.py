import numpy as np
import pytest

from keras_deid.restoring.looks import BETWEEN, look_at


class Mark:
    """A locator that takes red for hidden, as much as it is red, in pictures of the widths that it answers to.

    Args:
        widths: that it answers to; None: all.
    """

    def __init__(self, widths=None):
        self.widths, self.seen = widths, []

    def __call__(self, picture):
        height, width = picture.shape[:2]
        assert picture.dtype == np.uint8 and height % 32 == 0 and width % 32 == 0
        self.seen.append((height, width))
        red = (picture[..., 0] / 255).reshape(height // 4, 4, width // 4, 4).mean(axis=(1, 3)).astype(np.float32)
        return red if self.widths is None or width in self.widths else np.zeros_like(red)


def black(height, width):
    return np.zeros((height, width, 3), np.uint8)


def with_red(picture, box):
    x0, y0, x1, y1 = box
    picture[y0:y1, x0:x1, 0] = 255
    return picture


@pytest.mark.parametrize(
    ("size", "longer_sides"),
    [
        pytest.param((160, 320), [320, 448, 544], id="small: as it is, 1.4 and 1.7 times"),
        pytest.param((550, 830), [208, 415, 830, 1162, 1411], id="of a street"),
        pytest.param((550, 832), [208, 416, 832, 1165, 1414], id="as wide as the smallest look"),
        pytest.param((1000, 1000), [208, 416, 832, 1165, 1414], id="larger"),
        pytest.param((1000, 1500), [208, 416, 832, 1165, 1500], id="not enlarged"),
        pytest.param((3000, 4000), [208, 416, 832, 1165, 1664], id="of a camera"),
        pytest.param((200, 4000), [832, 1165, 1664], id="a ribbon: no region of 90 px in smaller ones"),
    ],
)
def test_the_sizes(size, longer_sides):
    looks = look_at(Mark(), black(*size))
    assert [round(look.scale * max(size)) for look in looks] == longer_sides
    for look in looks:
        assert look.probability.shape == tuple(-(-round(side * look.scale) // 4) for side in size)
        assert look.probability.dtype == np.float32


def test_which_regions_count_at_which_size():
    looks = look_at(Mark(), black(550, 830))
    assert [look.least for look in looks] == [BETWEEN, BETWEEN, BETWEEN, 0, 0]
    assert [look.most for look in looks] == [np.inf, np.inf, np.inf, np.inf, BETWEEN]


def test_only_where_something_is_hidden_it_looks_at_the_mirrored_picture():
    clean, hidden = Mark(), Mark(widths=(320,))
    look_at(clean, black(160, 320))
    look_at(hidden, with_red(black(160, 320), (0, 0, 40, 40)))
    assert clean.seen == [(160, 320), (224, 448), (288, 544)]
    assert hidden.seen == [(160, 320), (160, 320), (224, 448), (288, 544)]


def test_a_map_is_the_mean_of_both_views():
    """Of a picture whose width is no multiple of 32, the mirrored one is padded on the left."""

    class Left(Mark):
        """Believes only what lies in the left half."""

        def __call__(self, picture):
            red = super().__call__(picture)
            red[:, red.shape[1] // 2 :] = 0
            return red

    smallest = look_at(Left(widths=(320,)), with_red(black(160, 300), (40, 40, 80, 80)))[0]
    expected = np.zeros((40, 75), np.float32)
    expected[10:20, 10:20] = 0.5  # the mirrored square lies in the right half
    # Of the neighbour, which answers nothing, comes a third.
    np.testing.assert_allclose(smallest.probability, expected / 1.5, atol=1e-6)


def test_sizes_that_are_neighbours_confirm_each_other():
    picture = with_red(black(320, 640), (160, 80, 320, 240))

    def middle_of(widths):
        looks = look_at(Mark(widths), picture)[-3:]  # 640, 896, 1088 px
        return [float(look.probability[round(40 * look.scale), round(60 * look.scale)]) for look in looks]

    assert middle_of((640, 896, 1088)) == pytest.approx([1, 1, 1])
    assert middle_of((896,)) == pytest.approx([1 / 3, 1 / 2, 1 / 3], abs=1e-6)
    assert middle_of((640,)) == pytest.approx([2 / 3, 1 / 4, 0], abs=1e-6)
    assert middle_of((640, 896)) == pytest.approx([1, 3 / 4, 1 / 3], abs=1e-6)


def test_neighbours_are_put_over_each_other_exactly():
    """What is hidden up to a column is so in each map, to a tenth of a cell, whatever it was averaged with."""
    picture = with_red(black(320, 640), (0, 0, 400, 320))
    for look in look_at(Mark(), picture)[-3:]:
        assert float(look.probability[20].sum()) == pytest.approx(100 * look.scale, abs=0.1)


@pytest.mark.parametrize("size", [(1, 1), (1, 70), (33, 5)])
def test_small_pictures_do(size):
    looks = look_at(Mark(), np.full((*size, 3), 255, np.uint8))
    assert len(looks) == 3 and all(look.probability.min() > 0.99 for look in looks)
