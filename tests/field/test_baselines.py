import numpy as np
import pytest

from keras_deid.field.baselines import INPAINT_SIDE, enlarge_blocks, inpaint
from keras_deid.hiding.kinds import KINDS, Grid, Hidden


def ramp(height=80, width=120):
    """Brightness grows by 2 levels a column."""
    levels = np.minimum(2 * np.arange(width), 255).astype(np.uint8)
    return np.ascontiguousarray(np.broadcast_to(levels[None, :, None], (height, width, 3)))


def mosaic(photograph, region, grid):
    """Replaces each block of a region by its mean."""
    picture, mask = photograph.copy(), np.zeros(photograph.shape[:2], np.float32)
    x0, y0, x1, y1 = region
    mask[y0:y1, x0:x1] = 1
    rows, columns = np.mgrid[y0:y1, x0:x1] + 0.5
    block = np.floor((rows - grid.top) / grid.height) * 1000 + np.floor((columns - grid.left) / grid.width)
    for number in np.unique(block):
        inside = block == number
        picture[y0:y1, x0:x1][inside] = np.round(photograph[y0:y1, x0:x1][inside].mean(axis=0))
    return Hidden(picture, photograph, mask, (region,), (grid,))


@pytest.mark.parametrize("grid", [Grid(20, 10, 8, 8), Grid(17, 6, 8, 8), Grid(20, 10, 7.5, 6.25)])
def test_the_blocks_of_a_ramp_become_a_ramp(grid):
    photograph = ramp()
    hidden = mosaic(photograph, (20, 10, 60, 50), grid)
    enlarged = enlarge_blocks(hidden)
    # Up to a block from the sides, where cubic interpolation has no neighbour, it is exact but for rounding.
    middle = slice(10, 50), slice(33, 47)
    assert np.abs(enlarged[middle].astype(int) - photograph[middle]).max() <= 1
    assert np.abs(hidden.picture[middle].astype(int) - photograph[middle]).max() >= 5
    outside = hidden.mask == 0
    np.testing.assert_array_equal(enlarged[outside], photograph[outside])


def test_means_are_of_the_hidden_pixels_alone():
    photograph = np.full((60, 60, 3), 250, np.uint8)
    mask = np.zeros((60, 60), np.float32)
    mask[20:40, 23:40] = 1  # the first block of each row is hidden in part
    picture = photograph.copy()
    picture[mask > 0] = 40
    enlarged = enlarge_blocks(Hidden(picture, photograph, mask, ((20, 20, 40, 40),), (Grid(20, 20, 5, 5),)))
    np.testing.assert_allclose(enlarged[mask > 0], 40, atol=1)
    np.testing.assert_array_equal(enlarged[mask == 0], 250)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if KINDS[kind].family == "mosaic"])
def test_the_grid_of_each_mosaic_is_known(kind):
    rng = np.random.default_rng(0)
    photograph = rng.integers(0, 256, (120, 150, 3)).astype(np.uint8)
    hidden = KINDS[kind].hide(photograph, [(52.3, 41.6, 91.4, 88.1)])
    (grid,), (x0, y0, x1, y1) = hidden.grids, hidden.regions[0]
    inside = hidden.picture[y0:y1, x0:x1].astype(int)
    # Brightness jumps between blocks and not in them: the centre row of the blocks in the middle tells.
    row = inside[(y1 - y0) // 2]
    jumps = np.abs(np.diff(row, axis=0)).sum(axis=1)
    index = np.floor((np.arange(x0, x1) + 0.5 - grid.left) / grid.width)
    between = np.diff(index) > 0
    quarter = slice(len(jumps) // 4, 3 * len(jumps) // 4)
    assert jumps[quarter][between[quarter]].mean() > 2 * jumps[quarter][~between[quarter]].mean()


@pytest.mark.parametrize("kind", [kind for kind in KINDS if KINDS[kind].family != "mosaic"])
def test_blurs_and_solids_have_no_blocks(kind):
    hidden = KINDS[kind].hide(ramp(), [(40, 20, 70, 60)])
    assert hidden.grids == (None,)
    np.testing.assert_array_equal(enlarge_blocks(hidden), hidden.picture)


def test_inpainting_fills_a_hole_from_around_it():
    photograph = np.full((60, 80, 3), (200, 120, 40), np.uint8)
    hidden = KINDS["deface_solid"].hide(photograph, [(30, 20, 50, 40)])
    assert (hidden.picture == 0).any()
    np.testing.assert_allclose(inpaint(hidden), photograph, atol=1)


def test_large_holes_are_inpainted_as_well():
    side = 2 * INPAINT_SIDE
    photograph = np.full((side, side, 3), 90, np.uint8)
    hidden = KINDS["deface_solid"].hide(photograph, [(side / 4, side / 4, 3 * side / 4, 3 * side / 4)])
    filled = inpaint(hidden)
    # The rim of the black rectangle is mixed with what surrounds it when the picture is shrunk.
    assert np.abs(filled.astype(int) - 90).mean() < 5
    np.testing.assert_array_equal(filled[hidden.mask == 0], 90)
