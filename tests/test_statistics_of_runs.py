import numpy as np
import pytest

from keras_deid.statistics import Estimate, difference_of_runs, mean_interval, mean_over_runs

PICTURES = np.random.default_rng(0).normal(0, 1, 200)
SCORES = np.random.default_rng(0).normal(20, 3, 200)


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


def test_with_one_seed_the_interval_is_that_of_the_evaluation():
    found = Estimate.over_runs(SCORES[None])
    assert found.mean == pytest.approx(SCORES.mean())
    assert (found.low, found.high) == mean_interval(SCORES)


def test_differences_are_taken_picture_by_picture():
    noise = np.random.default_rng(1).normal(0, 0.1, 200)
    found = Estimate.of_difference((SCORES + 0.1 + noise)[None], SCORES[None])
    assert found.mean == pytest.approx(0.1 + noise.mean())
    # Pictures differ by 3 dB, the differences by 0.1 dB: 1.96 * 0.1 / sqrt(200) = 0.014.
    assert found.high - found.low == pytest.approx(2 * 0.014, rel=0.15)
    assert found.sign is True


def test_a_difference_is_as_much_and_the_other_way_round_when_the_models_change_places():
    ours, theirs = SCORES[None] + np.random.default_rng(1).normal(0.2, 1, (2, 200)), SCORES[None]
    one, other = Estimate.of_difference(ours, theirs), Estimate.of_difference(theirs, ours)
    assert one.mean == pytest.approx(-other.mean)
    assert (one.low, one.high) == pytest.approx((-other.high, -other.low), abs=0.03)


def test_seeds_that_contradict_each_other_are_no_real_difference():
    agreeing = np.stack([SCORES + 0.4, SCORES + 0.6])
    contradicting = np.stack([SCORES - 0.5, SCORES + 1.5])
    same = np.stack([SCORES, SCORES])
    assert Estimate.of_difference(agreeing, same).sign is not None
    found = Estimate.of_difference(contradicting, same)
    assert found.mean == pytest.approx(0.5)
    # Both seeds, or one of them twice: -0.5, 0.5 or 1.5.
    assert (found.low, found.high) == pytest.approx((-0.5, 1.5))
    assert found.sign is None


def test_pictures_without_a_score_are_left_out_of_both():
    ours, theirs = np.array([[1.0, np.nan, 3.0]]), np.array([[0.0, 100.0, 2.0]])
    assert Estimate.of_difference(ours, theirs) == Estimate(1.0, 1.0, 1.0)
    assert Estimate.of_difference(np.array([[np.nan]]), np.array([[1.0]])) == Estimate(None, None, None)


def test_one_picture_has_no_interval():
    for seeds in (1, 2):
        found = Estimate.of_difference(np.full((seeds, 1), 2.0), np.full((1, 1), 1.0))
        assert found == Estimate(1.0, None, None)
        assert found.sign is None


def test_other_pictures_are_a_mistake():
    with pytest.raises(ValueError, match="the same pictures"):
        Estimate.of_difference(np.zeros((1, 2)), np.zeros((1, 3)))
