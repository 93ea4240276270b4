import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keras_deid.statistics import Estimate, mean_interval


@pytest.mark.parametrize("value", [0.0, 1.0, 19.25])
def test_constants_have_intervals_without_width(value):
    assert mean_interval(np.full(50, value)) == (value, value)


def test_the_width_is_that_of_the_normal_approximation():
    values = np.random.default_rng(1).normal(20, 2, 400)
    low, high = mean_interval(values)
    assert high - low == pytest.approx(2 * 1.96 * values.std() / np.sqrt(400), rel=0.1)
    assert (low + high) / 2 == pytest.approx(values.mean(), abs=0.05)


def test_the_seed_decides():
    values = np.random.default_rng(1).normal(size=30)
    assert mean_interval(values, seed=3) == mean_interval(values, seed=3)
    assert mean_interval(values, seed=3) != mean_interval(values, seed=4)


def test_absent_scores_are_left_out():
    values = np.random.default_rng(1).normal(size=30)
    assert mean_interval(np.concatenate([[np.nan], values, [np.nan]])) == mean_interval(values)


@pytest.mark.parametrize("values", [[], [3.0], [3.0, np.nan], [np.nan, np.nan]])
def test_fewer_than_two_values_have_none(values):
    assert np.isnan(mean_interval(np.array(values))).all()


@settings(max_examples=25)
@given(st.lists(st.floats(-100, 100), min_size=2, max_size=20))
def test_lies_within_the_values(values):
    low, high = mean_interval(np.array(values))
    assert min(values) - 1e-9 <= low <= high <= max(values) + 1e-9


@pytest.mark.parametrize(
    ("estimate", "form", "words"),
    [
        (Estimate(2.31, 2.1, 2.5), ".1f", "2.3 (2.1 to 2.5)"),
        (Estimate(0.4, -0.1, 0.9), "+.1f", "+0.4 (-0.1 to +0.9)"),
        (Estimate(0.4, 0.2, 0.6), "+.1f", "+0.4 (0.2 to 0.6)"),
        (Estimate(2.31, None, None), ".1f", "2.3"),
        (Estimate(None, None, None), ".1f", "nothing"),
    ],
)
def test_estimates_in_words(estimate, form, words):
    assert estimate.words(form) == words
