import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keras_deid.evaluation.groups import GROUPS, in_thirds


def test_thirds_have_as_many_pictures_each():
    groups = in_thirds(np.array([9.0, 1, 8, 2, 7, 3, 6, 4, 5]))
    assert [(group.low, group.high) for group in groups] == [(1, 3), (4, 6), (7, 9)]
    assert [np.flatnonzero(group.members).tolist() for group in groups] == [[1, 3, 5], [6, 7, 8], [0, 2, 4]]


def test_few_values_are_groups_of_their_own():
    groups = in_thirds(np.array([4.0, 8, 4, 4, 4, 4]))
    assert [(group.low, group.high, group.members.sum()) for group in groups] == [(4, 4, 5), (8, 8, 1)]


def test_values_that_differ_by_rounding_are_one():
    assert len(in_thirds(np.array([12.8, 12.799999, 12.800001]))) == 1


def test_pictures_without_a_value_are_in_no_group():
    groups = in_thirds(np.array([np.nan, 1.0, np.nan, 2.0]))
    assert [np.flatnonzero(group.members).tolist() for group in groups] == [[1], [3]]


@pytest.mark.parametrize("values", [[], [np.nan]])
def test_nothing_has_no_groups(values):
    assert in_thirds(np.array(values)) == []


@given(st.lists(st.one_of(st.floats(0, 100), st.just(float("nan"))), max_size=40))
def test_each_picture_with_a_value_is_in_one_group(values):
    groups = in_thirds(np.array(values))
    assert len(groups) <= GROUPS
    members = sum((group.members.astype(int) for group in groups), np.zeros(len(values), int))
    np.testing.assert_array_equal(members, ~np.isnan(values))
    for group, following in zip(groups, groups[1:], strict=False):
        assert group.low <= group.high < following.low
