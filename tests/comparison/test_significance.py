import numpy as np
import pytest

from keras_deid.comparison.significance import difference, estimate, is_real
from keras_deid.explain.summary import Estimate
from keras_deid.intervals import mean_interval

PICTURES = np.random.default_rng(0).normal(20, 3, 200)


def test_with_one_seed_the_interval_is_that_of_the_evaluation():
    found = estimate(PICTURES[None])
    assert found.mean == pytest.approx(PICTURES.mean())
    assert (found.low, found.high) == mean_interval(PICTURES)


def test_differences_are_taken_picture_by_picture():
    noise = np.random.default_rng(1).normal(0, 0.1, 200)
    found = difference((PICTURES + 0.1 + noise)[None], PICTURES[None])
    assert found.mean == pytest.approx(0.1 + noise.mean())
    # Pictures differ by 3 dB, the differences by 0.1 dB: 1.96 * 0.1 / sqrt(200) = 0.014.
    assert found.high - found.low == pytest.approx(2 * 0.014, rel=0.15)
    assert is_real(found)


def test_a_difference_is_as_much_and_the_other_way_round_when_the_models_change_places():
    ours, theirs = PICTURES[None] + np.random.default_rng(1).normal(0.2, 1, (2, 200)), PICTURES[None]
    one, other = difference(ours, theirs), difference(theirs, ours)
    assert one.mean == pytest.approx(-other.mean)
    assert (one.low, one.high) == pytest.approx((-other.high, -other.low), abs=0.03)


def test_seeds_that_contradict_each_other_are_no_real_difference():
    agreeing = np.stack([PICTURES + 0.4, PICTURES + 0.6])
    contradicting = np.stack([PICTURES - 0.5, PICTURES + 1.5])
    same = np.stack([PICTURES, PICTURES])
    assert is_real(difference(agreeing, same))
    found = difference(contradicting, same)
    assert found.mean == pytest.approx(0.5)
    # Both seeds, or one of them twice: -0.5, 0.5 or 1.5.
    assert (found.low, found.high) == pytest.approx((-0.5, 1.5))
    assert not is_real(found)


def test_pictures_without_a_score_are_left_out_of_both():
    ours, theirs = np.array([[1.0, np.nan, 3.0]]), np.array([[0.0, 100.0, 2.0]])
    assert difference(ours, theirs) == Estimate(1.0, 1.0, 1.0)
    assert difference(np.array([[np.nan]]), np.array([[1.0]])) == Estimate(None, None, None)


def test_one_picture_has_no_interval():
    for seeds in (1, 2):
        found = difference(np.full((seeds, 1), 2.0), np.full((1, 1), 1.0))
        assert found == Estimate(1.0, None, None)
        assert not is_real(found)


def test_other_pictures_are_a_mistake():
    with pytest.raises(ValueError, match="the same pictures"):
        difference(np.zeros((1, 2)), np.zeros((1, 3)))
