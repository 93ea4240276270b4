import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keras_deid.useful.average_precision import LEAST_SIDE, Ranked, are_correct, average_precision, counts, rank

FACE, OTHER = (0.0, 0.0, 10.0, 10.0), (100.0, 0.0, 110.0, 10.0)


def moved(box, by):
    return (box[0] + by, box[1], box[2] + by, box[3])


@pytest.mark.parametrize(
    ("boxes", "faces", "correct"),
    [
        ([FACE, OTHER], [FACE, OTHER], [True, True]),
        ([FACE, FACE], [FACE], [True, False]),  # found twice
        ([moved(FACE, 3.3), moved(FACE, 3.4)], [FACE], [True, False]),  # IoU 6.7 / 13.3 and 6.6 / 13.4
        ([moved(FACE, 3.4), FACE], [FACE], [False, True]),  # a miss leaves the face to the next one
        ([moved(FACE, 1)], [FACE, moved(FACE, 2)], [True]),
        ([FACE], [], [False]),
        ([], [FACE], []),
    ],
)
def test_which_detections_are_correct(boxes, faces, correct):
    assert are_correct([(0.9, box) for box in boxes], faces) == correct


def test_of_two_faces_the_nearer_one_is_taken():
    near, far = FACE, moved(FACE, 3)
    assert are_correct([(0.9, moved(FACE, 2)), (0.8, near)], [near, far]) == [True, True]
    assert are_correct([(0.9, near), (0.8, moved(FACE, -3))], [near, far]) == [True, False]


def test_faces_that_are_too_small_are_neither_found_nor_missed():
    small = (50.0, 50.0, 50.0 + LEAST_SIDE - 0.1, 70.0)
    assert not counts(small) and counts((50.0, 50.0, 50.0 + LEAST_SIDE, 70.0))
    assert are_correct([(0.9, small), (0.8, small), (0.7, FACE)], [FACE, small]) == [None, False, True]
    ranked = rank([[(0.9, small), (0.7, FACE)]], [[FACE, small]])
    assert ranked.score.tolist() == [0.7] and ranked.correct.tolist() == [True]


def test_the_surest_detections_come_first():
    ranked = rank([[(0.9, FACE), (0.3, OTHER)], [], [(0.5, OTHER)]], [[FACE], [FACE], [OTHER]])
    assert ranked.score.tolist() == [0.9, 0.5, 0.3]
    assert ranked.correct.tolist() == [True, True, False] and ranked.picture.tolist() == [0, 2, 0]


def of(correct, faces):
    count = len(correct)
    ranked = Ranked(np.linspace(0.9, 0.1, count), np.array(correct, bool), np.zeros(count, int))
    return float(average_precision(ranked, np.array([faces]), np.ones((1, 1)))[0])


def test_worked_out():
    assert of([True, True], 2) == 1.0
    assert of([], 2) == 0.0 and of([False, False], 2) == 0.0
    assert of([True], 2) == 0.5  # half of the faces, without a mistake
    # Recall 1/3, 1/3, 2/3 at precision 1, 1/2, 2/3.
    assert of([True, False, True], 3) == pytest.approx(1 / 3 * 1 + 1 / 3 * 2 / 3)
    # Precision 1/2 at recall 1/2, but 2/3 at recall 1: the higher one counts for both.
    assert of([False, True, True], 2) == pytest.approx(2 / 3)
    assert of([True, True, False, False], 2) == 1.0  # what is less sure than the last face does not matter


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 3)), max_size=12), st.lists(st.integers(0, 3), min_size=4))
def test_a_picture_that_is_drawn_twice_counts_twice(detections, drawn):
    faces = np.array([3, 4, 5, 6])
    count = len(detections)
    score = np.linspace(0.9, 0.1, count)
    correct = np.array([one for one, _ in detections], bool)
    picture = np.array([number for _, number in detections], int)
    weights = np.bincount(drawn, minlength=4) / len(drawn)
    (weighted,) = average_precision(Ranked(score, correct, picture), faces, weights[None])
    # The same draw written out: each copy of a picture is a picture; copies of a detection are equally sure.
    copies = np.bincount(drawn, minlength=4)
    repeated = np.repeat(np.arange(count), copies[picture]) if count else np.array([], int)
    total = int(copies @ faces)
    expected, best = 0.0, 0.0
    found = np.cumsum(correct[repeated])
    ends = np.flatnonzero(np.diff(repeated, append=-1))[::-1]  # a score's last copy
    for end in ends:
        best = max(best, found[end] / (end + 1))
        before = found[ends[ends < end].max()] if (ends < end).any() else 0
        expected += (found[end] - before) / total * best
    assert weighted == pytest.approx(expected)
