import io

import numpy as np
import pytest
from PIL import Image

from keras_deid.report.images import enlarged, png
from keras_deid.report.overlay import coloured, common_top, outlined, overlay, relative_to_flat, scale_bar

GREY = np.full((4, 4, 3), 100, np.uint8)


def opened(png):
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))


def test_a_map_in_multiples_of_the_flat_fraction():
    np.testing.assert_allclose(relative_to_flat(np.array([[1.0, 3.0]])), [[0.5, 1.5]])
    assert not relative_to_flat(np.zeros((2, 2))).any()


def test_the_overlay_is_brighter_where_the_map_is_higher_and_saturates():
    painted = overlay(GREY, np.tile([0.0, 1.0, 3.0, 9.0], (4, 1)), top=3.0).sum(axis=2)[0].astype(int)
    assert painted[0] < painted[1] < painted[2] == painted[3]


def test_gates_are_painted_from_least_to_greatest():
    painted = coloured(np.array([[0.97, 0.98], [0.99, 0.97]]))
    assert (painted[0, 0] == painted[1, 1]).all()
    assert painted[1, 0].sum() > painted[0, 1].sum() > painted[0, 0].sum()
    assert len(np.unique(coloured(np.full((2, 2), 0.5)).reshape(-1, 3), axis=0)) == 1


def test_a_region_is_outlined_not_filled():
    region = np.zeros((64, 64), bool)
    region[16:48, 16:48] = True
    drawn = outlined(np.full((64, 64, 3), 100, np.uint8), region)
    assert drawn.shape == (192, 192, 3)
    assert (drawn[96, 96] == 100).all() and (drawn[8, 8] == 100).all()
    assert (drawn[48, 96] == 255).all()


@pytest.mark.parametrize(("side", "expected"), [(16, 160), (64, 192), (200, 200)])
def test_small_pictures_are_enlarged_without_smoothing(side, expected):
    picture = np.random.default_rng(0).integers(0, 256, (side, side, 3)).astype(np.uint8)
    large = enlarged(picture)
    assert large.shape == (expected, expected, 3)
    np.testing.assert_array_equal(large[:: expected // side, :: expected // side], picture)


def test_png_keeps_every_pixel():
    picture = np.random.default_rng(0).integers(0, 256, (5, 7, 3)).astype(np.uint8)
    np.testing.assert_array_equal(opened(png(picture)), picture)


def test_all_overlays_of_a_page_have_one_scale():
    assert common_top([]) == 3
    assert common_top([np.ones((2, 2)), np.zeros(3)]) == 3
    assert common_top([np.linspace(0, 10, 101), np.full((2, 2), 9.0)]) == 10


def test_the_scale_bar_can_be_drawn():
    height, width = opened(scale_bar(5.0)).shape[:2]
    assert width > height / 2 > 30
