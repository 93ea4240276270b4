import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as stn

from keras_deid.privacy.protocol import METRICS, recognise


def test_worked_out():
    # People at 0, 10 and 20; the probes of the first two lie near them, that of the third one near the second.
    found = recognise(np.array([[1.0], [9.0], [12.0]]), np.array([[0.0], [10.0], [20.0]]), np.arange(3))
    # Distances: 1, 9, 19 / 9, 1, 11 / 12, 2, 8; of different people 2, 9, 9, 11, 12, 19.
    assert found.rank.tolist() == [1, 1, 2]
    assert found.rank1.tolist() == [1, 1, 0]
    assert found.verified.tolist() == [1, 1, 0]  # one in a hundred of six is none: closer than 2
    assert found.auc.tolist() == [1, 1, 5 / 6]


def test_one_in_a_hundred_comparisons_of_different_people_is_accepted():
    # 11 people at 0, 100, 200, ...: 110 comparisons of different people, of which one may be accepted.
    gallery = 100.0 * np.arange(11)[:, None]
    probes = gallery.copy()
    probes[0], probes[10] = 97, 1101  # a comparison of different people at 3, all others at 100 and more
    found = recognise(probes, gallery, np.arange(11))
    assert found.verified.tolist() == [1] * 10 + [0] and found.rank1.tolist() == [0] + [1] * 10
    probes[5] = 597  # a second one at 3
    found = recognise(probes, gallery, np.arange(11))
    assert found.verified.tolist() == [0] + [1] * 4 + [0] + [1] * 4 + [0]


def test_probes_that_are_all_alike_tell_nothing():
    found = recognise(np.zeros((4, 2)), np.eye(4)[:, :2] * 0 + 1, np.arange(4))
    assert found.rank.tolist() == [4] * 4 and found.rank1.mean() == 0
    assert found.verified.mean() == 0 and found.auc.tolist() == [0.5] * 4


def test_several_probes_of_a_person():
    found = recognise(np.array([[0.0], [1.0], [9.0]]), np.array([[0.0], [10.0]]), np.array([0, 0, 1]))
    assert found.rank1.tolist() == [1, 1, 1]
    # A probe of the other person: 1 of itself and 9 of the first one
    assert recognise(np.array([[9.0]]), np.array([[0.0], [10.0]]), np.array([0])).rank.tolist() == [2]


@given(stn.arrays(np.float64, (5, 3), elements=st.floats(-1, 1, width=16)), st.integers(0, 1000))
def test_the_order_of_people_does_not_matter(gallery, seed):
    probes = gallery + np.random.default_rng(seed).normal(0, 0.3, gallery.shape)
    found = recognise(probes, gallery, np.arange(5))
    order = np.random.default_rng(seed).permutation(5)
    other = recognise(probes, gallery[order], np.argsort(order))
    for name in METRICS:
        values = getattr(found, name)
        assert np.allclose(values, getattr(other, name)) and ((values >= 0) & (values <= 1)).all()
    assert (found.rank1 <= found.auc + 1).all() and (found.rank >= 1).all()


def test_a_gallery_of_one_person_is_refused():
    with pytest.raises(ValueError, match="at least two people"):
        recognise(np.zeros((1, 2)), np.zeros((1, 2)), np.arange(1))
