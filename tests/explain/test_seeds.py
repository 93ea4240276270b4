import numpy as np
import pytest

from keras_deid.explain.seeds import difference_of_runs, mean_over_runs
from keras_deid.intervals import mean_interval

PICTURES = np.random.default_rng(0).normal(0, 1, 200)


def test_one_run_is_resampled_by_picture():
    assert mean_over_runs(PICTURES[None]) == mean_interval(PICTURES)
    assert difference_of_runs(PICTURES[None], PICTURES[None] - 2) == pytest.approx((2, 2))


def test_runs_that_are_alike_say_no_more_than_one():
    low, high = mean_over_runs(np.stack([PICTURES, PICTURES]))
    assert (low, high) == pytest.approx(mean_interval(PICTURES), abs=0.03)


def test_runs_that_lie_apart_widen_the_interval():
    """Of two runs, both draws are of the same one half of the time: the interval reaches from one run to the other."""
    flat = np.stack([np.full(50, 1.0), np.full(50, 2.0)])
    assert mean_over_runs(flat) == pytest.approx((1.0, 2.0))
    many = np.linspace(0, 1, 100)[:, None] + np.zeros(50)
    low, high = mean_over_runs(many)
    assert (low, high) == pytest.approx((0.5 - 1.96 * 0.029, 0.5 + 1.96 * 0.029), abs=0.01)


def test_pictures_are_the_same_for_both_sides_of_a_difference():
    """Pictures vary by 1, the difference not at all."""
    ours, theirs = np.stack([PICTURES + 3, PICTURES + 3]), np.stack([PICTURES, PICTURES])
    assert difference_of_runs(ours, theirs) == pytest.approx((3, 3))


def test_a_difference_may_have_any_number_of_runs():
    low, high = difference_of_runs(np.full((3, 10), 2.0), np.stack([np.zeros(10), np.ones(10)]))
    assert (low, high) == pytest.approx((1.0, 2.0))


@pytest.mark.parametrize("pictures", [0, 1])
def test_too_few_pictures_say_nothing(pictures):
    assert np.isnan(mean_over_runs(np.ones((2, pictures)))).all()
    assert np.isnan(difference_of_runs(np.ones((2, pictures)), np.ones((1, pictures)))).all()
