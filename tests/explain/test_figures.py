import io

import numpy as np
import pytest
from PIL import Image

from keras_deid.explain import figures
from keras_deid.explain.gates import Gates
from keras_deid.explain.summary import Comparison, Estimate, Finding

GREY = np.full((4, 4, 3), 100, np.uint8)


def opened(png):
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))


def test_a_map_in_multiples_of_the_flat_share():
    np.testing.assert_allclose(figures.share_of_flat(np.array([[1.0, 3.0]])), [[0.5, 1.5]])
    assert not figures.share_of_flat(np.zeros((2, 2))).any()


def test_the_overlay_is_brighter_where_the_map_is_higher_and_saturates():
    painted = figures.overlay(GREY, np.tile([0.0, 1.0, 3.0, 9.0], (4, 1)), top=3.0).sum(axis=2)[0].astype(int)
    assert painted[0] < painted[1] < painted[2] == painted[3]


def test_gates_are_painted_from_least_to_greatest():
    painted = figures.coloured(np.array([[0.97, 0.98], [0.99, 0.97]]))
    assert (painted[0, 0] == painted[1, 1]).all()
    assert painted[1, 0].sum() > painted[0, 1].sum() > painted[0, 0].sum()
    assert len(np.unique(figures.coloured(np.full((2, 2), 0.5)).reshape(-1, 3), axis=0)) == 1


def test_a_region_is_outlined_not_filled():
    region = np.zeros((64, 64), bool)
    region[16:48, 16:48] = True
    drawn = figures.outlined(np.full((64, 64, 3), 100, np.uint8), region)
    assert drawn.shape == (192, 192, 3)
    assert (drawn[96, 96] == 100).all() and (drawn[8, 8] == 100).all()
    assert (drawn[48, 96] == 255).all()


@pytest.mark.parametrize(("side", "expected"), [(16, 160), (64, 192), (200, 200)])
def test_small_pictures_are_enlarged_without_smoothing(side, expected):
    picture = np.random.default_rng(0).integers(0, 256, (side, side, 3)).astype(np.uint8)
    large = figures.enlarged(picture)
    assert large.shape == (expected, expected, 3)
    np.testing.assert_array_equal(large[:: expected // side, :: expected // side], picture)


def test_png_keeps_every_pixel():
    picture = np.random.default_rng(0).integers(0, 256, (5, 7, 3)).astype(np.uint8)
    np.testing.assert_array_equal(opened(figures.png(picture)), picture)


def finding(depth, mean):
    estimate = Estimate(mean, None if mean is None else mean - 0.1, None if mean is None else mean + 0.1)
    comparison = Comparison("edges", estimate, estimate, 5, decides=True, runs={})
    metrics = {"energy": estimate, "pointing": estimate, "top_iou": estimate}
    return Finding("real", "mosaic", f"cbam_{depth}", depth, 5, 0, metrics, [comparison], {})


def test_plots_can_be_drawn_with_what_is_missing():
    for plot in (
        figures.energy_by_layer([finding(1, 1.5), finding(2, None)]),
        figures.energy_by_layer([finding(1, None)]),
        figures.cascade_plot({"cbam_1": {"nothing": Estimate(1.0, 1.0, 1.0), "D": Estimate(None, None, None)}}),
        figures.channel_gates({"cbam_1": Gates(np.ones((2, 3, 3)), np.random.default_rng(0).random((2, 8)))}),
        figures.scale_bar(5.0),
    ):
        height, width = opened(plot).shape[:2]
        assert width > height / 2 > 30
