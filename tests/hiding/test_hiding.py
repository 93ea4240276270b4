import dataclasses

import numpy as np
import pytest

from keras_deid.hiding import methods
from keras_deid.hiding.hiding import METHODS, Hiding, hide
from keras_deid.hiding.shapes import SHAPES, opacity

REGION = (13, 7, 41, 31)
INSIDE = np.s_[7:31, 13:41]


def photograph(seed=0):
    return np.random.default_rng(seed).integers(0, 256, (40, 60, 3), np.uint8)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("method", METHODS)
def test_what_is_not_masked_does_not_change(method, shape):
    before = photograph()
    hidden, mask = hide(before, REGION, Hiding(method, 6.0, shape, margin=4))
    assert hidden.dtype == np.uint8 and mask.dtype == np.float32 and mask.shape == before.shape[:2]
    np.testing.assert_array_equal(before, photograph())
    np.testing.assert_array_equal(hidden[mask == 0], before[mask == 0])
    assert (hidden[mask == 1] != before[mask == 1]).any(axis=1).mean() > 0.5
    np.testing.assert_array_equal(mask[INSIDE], opacity((24, 28), shape))
    assert mask.sum() == mask[INSIDE].sum()


def test_a_soft_edge_mixes_the_method_with_the_photograph():
    how = Hiding("solid", shape="ellipse", feather=5, colour=(10, 200, 90))
    hidden, mask = hide(photograph(), REGION, how)
    np.testing.assert_array_equal(mask[INSIDE], opacity((24, 28), "ellipse", 5))
    expected = np.round(photograph() + mask[..., None] * (np.array([10, 200, 90]) - photograph().astype(np.float32)))
    np.testing.assert_array_equal(hidden, expected)


def test_blocks_are_counted_from_the_region():
    hidden, _ = hide(photograph(), REGION, Hiding("mean", 8))
    np.testing.assert_array_equal(hidden[INSIDE], methods.block_means(photograph()[INSIDE], 8))


@pytest.mark.parametrize("method", ["mean", "sample"])
def test_blocks_may_be_counted_from_the_picture(method):
    whole = {"mean": methods.block_means, "sample": methods.block_samples}[method](photograph(), 8)
    hidden, _ = hide(photograph(), (16, 8, 40, 32), Hiding(method, 8, grid="picture"))
    np.testing.assert_array_equal(hidden[8:32, 16:40], whole[8:32, 16:40])
    # Blocks that the region cuts know nothing of what lies outside of it, but end where the whole picture's do.
    hidden, _ = hide(photograph(), REGION, Hiding(method, 8, grid="picture"))
    np.testing.assert_array_equal(hidden[8:24, 16:40], whole[8:24, 16:40])


def test_the_phase_moves_the_grid_by_parts_of_a_block():
    moved, _ = hide(photograph(), REGION, Hiding("mean", 8, phase=(0.25, 0.5)))
    np.testing.assert_array_equal(moved[INSIDE], methods.block_means(photograph()[INSIDE], 8, (2, 4)))


def test_a_blur_takes_in_its_margin_only():
    before = photograph()
    alone, _ = hide(before, REGION, Hiding("box_blur", 9))
    np.testing.assert_array_equal(alone[INSIDE], methods.box_blur(before[INSIDE], 9))
    around, _ = hide(before, REGION, Hiding("box_blur", 9, margin=4))
    np.testing.assert_array_equal(around[INSIDE], methods.box_blur(before, 9)[INSIDE])
    # At the picture's border there is no margin.
    corner, _ = hide(before, (0, 0, 20, 20), Hiding("gaussian", 2, margin=30))
    np.testing.assert_array_equal(corner[:20, :20], methods.gaussian(before, 2)[:20, :20])


@pytest.mark.parametrize("method", ["noise", "scatter"])
def test_what_is_drawn_depends_on_the_seed(method):
    how = Hiding(method, 3, seed=5)
    first, again = hide(photograph(), REGION, how)[0], hide(photograph(), REGION, how)[0]
    other = hide(photograph(), REGION, dataclasses.replace(how, seed=6))[0]
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


def test_one_pixel_can_be_hidden_by_every_method():
    for method in METHODS:
        hidden, mask = hide(photograph(), (59, 39, 60, 40), Hiding(method, 0.2))
        assert mask.sum() == 1 and (hidden[:39] == photograph()[:39]).all()


def test_an_unknown_method_is_an_error():
    with pytest.raises(ValueError, match="Expected a method of .* Received: method='pixelate'"):
        hide(photograph(), REGION, Hiding("pixelate"))
