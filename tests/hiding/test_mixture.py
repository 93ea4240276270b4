from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keras_deid.hiding.hiding import METHODS, hide
from keras_deid.hiding.mixture import _STRENGTHS, DEFAULT_WEIGHTS, draw

FACE = (60.0, 40.0, 110.0, 105.0)
SIZE = (200, 240)


def draws(count, **how):
    return [draw(FACE, SIZE, np.random.default_rng(seed), **how) for seed in range(count)]


def test_a_draw_depends_on_the_generator_alone():
    assert draws(20) == draws(20)
    assert len({repr(one) for one in draws(20)}) == 20


def test_every_method_has_a_weight_and_a_strength():
    assert set(DEFAULT_WEIGHTS) == set(_STRENGTHS) == set(METHODS)
    assert sum(DEFAULT_WEIGHTS.values()) == pytest.approx(1)


def test_the_page_on_the_catalogue_says_what_is_drawn():
    page = (Path(__file__).parents[2] / "docs/catalogue.md").read_text(encoding="utf-8")
    rows = [[cell.strip() for cell in line.split("|")[1:4]] for line in page.splitlines() if line.startswith("| `")]
    said = {method.strip("`"): (strength, float(weight)) for method, strength, weight in rows[: len(METHODS)]}
    assert {method: weight for method, (_, weight) in said.items()} == DEFAULT_WEIGHTS
    for method, (low, high) in _STRENGTHS.items():
        assert method == "solid" or said[method][0].endswith(f", {low:.2f} to {high:.2f}"), method


def test_methods_come_as_often_as_their_weights_say():
    found = [one.hiding.method for one in draws(600, weights={"mean": 3, "solid": 1, "noise": 0})]
    assert set(found) == {"mean", "solid"}
    # 450 of 600 are expected, with a standard deviation of 10.6.
    assert abs(found.count("mean") - 450) < 45
    assert {one.hiding.method for one in draws(600)} == set(METHODS)


@pytest.mark.parametrize("weights", [{"mosiac": 1}, {"mean": 1, "pixelate": 0}, {"mean": 0, "solid": 0}, {"mean": -1}])
def test_weights_that_are_no_distribution_are_an_error(weights):
    with pytest.raises(ValueError, match=r"Expected weights >= 0, not all 0, of .* Received: \{"):
        draw(FACE, SIZE, np.random.default_rng(0), weights)


def test_no_weights_at_all_are_an_error():
    with pytest.raises(ValueError, match="Expected weights"):
        draw(FACE, SIZE, np.random.default_rng(0), {})


@pytest.mark.parametrize("method", METHODS)
def test_strengths_are_in_their_range(method):
    low, high = (limit * (FACE[2] - FACE[0]) for limit in _STRENGTHS[method])
    if method in ("mean", "sample"):  # or a block that tools set in pixels; else perhaps whole pixels
        low, high = min(low, 0.06 * 50) - 0.5, max(high, 0.5 * 50) + 0.5
    if method == "noise":
        low = 1.0
    found = [one.hiding.strength for one in draws(150, weights={method: 1})]
    assert low - 1e-6 <= min(found) and max(found) <= high + 1e-6
    assert method == "solid" or max(found) > 1.5 * min(found)


def test_on_large_faces_the_blocks_that_tools_offer_may_be_fine():
    large = [
        draw((100, 100, 420, 500), (900, 700), np.random.default_rng(seed), {"sample": 1}).hiding.strength
        for seed in range(300)
    ]
    fine = [block for block in large if block < 0.05 * 320]
    assert set(fine) == {10, 12, 15}  # 0.03 of the face is 9.6 px, and what is drawn freely has 16 px or more


def test_all_that_photographs_come_with_is_drawn():
    found = draws(400)
    for part in ("shape", "grid", "filters", "colour"):
        assert len({getattr(one.hiding, part) for one in found}) > 1, part
    assert all(not one.hiding.feather for one in found if one.hiding.method in ("mean", "sample", "noise"))
    assert any(one.hiding.feather for one in found) and any(one.hiding.margin for one in found)
    qualities = [one.afterwards.jpeg for one in found if one.afterwards.jpeg is not None]
    assert 35 <= min(qualities) <= 45 and 90 <= max(qualities) <= 97
    shrinks = [one.afterwards.shrink for one in found]
    assert 0.5 <= min(shrinks) < 0.7 and shrinks.count(1.0) > 200
    scales = [(one.region[2] - one.region[0]) / (FACE[2] - FACE[0]) for one in found]
    assert 0.97 <= min(scales) < 1.1 and 1.7 < max(scales) <= 1.83


@settings(max_examples=60)
@given(
    seed=st.integers(0, 2**32),
    corner=st.tuples(st.floats(-30, 130), st.floats(-30, 90)),
    sides=st.tuples(st.floats(0.5, 120), st.floats(0.5, 120)),
    size=st.tuples(st.integers(1, 100), st.integers(1, 140)),
)
def test_whatever_is_drawn_can_be_applied(seed, corner, sides, size):
    face = (*corner, corner[0] + sides[0], corner[1] + sides[1])
    drawn = draw(face, size, np.random.default_rng(seed))
    x0, y0, x1, y1 = drawn.region
    assert 0 <= x0 < x1 <= size[1] and 0 <= y0 < y1 <= size[0]
    photograph = np.random.default_rng(0).integers(0, 256, (*size, 3), np.uint8)
    hidden, mask = hide(photograph, drawn.region, drawn.hiding)
    np.testing.assert_array_equal(hidden[mask == 0], photograph[mask == 0])
    assert mask.max() > 0 and mask.min() >= 0 and mask.max() <= 1
    after = drawn.afterwards.apply(hidden, np.random.default_rng(0))
    assert after.dtype == np.uint8
