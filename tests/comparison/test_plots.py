import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from keras_deid.comparison.plots import block_curves, learning_curves, spread


def opened(png):
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))


def test_names_are_moved_apart():
    assert spread([0.5, 0.5, 0.1], gap=0.1, low=0, high=1) == pytest.approx([0.5, 0.6, 0.1])
    assert spread([1.0, 0.99], gap=0.1, low=0, high=1) == pytest.approx([1.0, 0.9])
    assert spread([], gap=0.1, low=0, high=1) == []


@given(st.lists(st.floats(0, 1), min_size=1, max_size=10))
def test_names_that_fit_stay_in_order_and_apart(positions):
    moved = spread(positions, gap=0.1, low=0, high=1)
    assert min(moved) >= -1e-9 and max(moved) <= 1 + 1e-9
    order = np.argsort(positions, kind="stable")
    assert (np.diff(np.array(moved)[order]) >= 0.1 - 1e-9).all()


def colours(png):
    return {tuple(colour) for colour in opened(png).reshape(-1, 3)}


def test_learning_curves_have_a_colour_for_each_model(make_entry):
    models = [make_entry("a", 1.0, 1.5), make_entry("b", 2.0)]
    for against in ("images", "minutes"):
        assert {(0, 114, 178), (213, 94, 0)} <= colours(learning_curves(models, against))
    assert (213, 94, 0) not in colours(learning_curves(models[:1], "images"))


def test_runs_without_validation_quality_have_no_curve(make_entry):
    model = make_entry("a", 1.0)
    for row in model.runs[0].history:
        del row["val_psnr_mask"]
    assert learning_curves([model], "images") is None
    assert learning_curves([model, make_entry("b", 1.0)], "images")


def test_baselines_are_grey(make_entry):
    png = block_curves({"mosaic": [(0.1, 19.0), (0.2, 18.0)], "a": [(0.1, 22.0), (0.2, 21.0)]}, ["mosaic"], "blocks")
    assert {(118, 118, 118), (0, 114, 178)} <= colours(png)
