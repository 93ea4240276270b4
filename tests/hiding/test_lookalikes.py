import numpy as np
import pytest

from keras_deid.hiding import lookalikes
from keras_deid.hiding.lookalikes import LOOKALIKES


def photograph(height=90, width=130):
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)


@pytest.mark.parametrize("lookalike", LOOKALIKES, ids=lambda function: function.__name__)
def test_a_new_photograph_of_the_same_shape_that_depends_on_the_generator(lookalike):
    before = photograph()
    for seed in range(4):
        one, again = (lookalike(before, np.random.default_rng(seed)) for _ in range(2))
        assert one.shape == before.shape and one.dtype == np.uint8
        np.testing.assert_array_equal(one, again)
        assert (one != before).any()
    np.testing.assert_array_equal(before, photograph())
    assert (one != lookalike(before, np.random.default_rng(9))).any()


@pytest.mark.parametrize("lookalike", LOOKALIKES, ids=lambda function: function.__name__)
def test_small_photographs_do(lookalike):
    for seed in range(8):
        assert lookalike(photograph(12, 9), np.random.default_rng(seed)).shape == (12, 9, 3)


def test_coarse_is_in_whole_blocks_everywhere():
    coarse = lookalikes.coarse(photograph(), np.random.default_rng(0))
    same = (coarse[:, 1:] == coarse[:, :-1]).all(axis=2)
    assert (same == same[0]).all() and 0.4 < same[0].mean() < 0.95


def test_shallow_focus_leaves_a_part_sharp():
    before = photograph(320, 480)
    focused = lookalikes.shallow_focus(before, np.random.default_rng(1))
    error = np.abs(focused.astype(int) - before).mean(axis=2)
    assert (error < 8).mean() > 0.05 and (error > 30).mean() > 0.1


def test_overexposed_parts_are_plain_and_the_rest_is_brighter_or_darker():
    before = photograph()
    bright = dark = 0
    for seed in range(20):
        after = lookalikes.overexposed(before, np.random.default_rng(seed))
        assert ((after == 255) | (after == 0)).mean() > 0.03
        brighter = bool((after >= before).all())
        assert brighter or (after <= before).mean() > 0.6
        bright, dark = bright + brighter, dark + (not brighter)
    assert bright > 8 and dark > 2
