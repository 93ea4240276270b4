import pytest

from keras_deid.field.matching import best_match, match_regions

HIDDEN = [(0, 0, 10, 10), (100, 0, 120, 20)]


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ([], [None, None]),
        ([(0, 0, 10, 10), (100, 0, 120, 20)], [0, 1]),
        ([(100, 0, 120, 20), (0, 0, 10, 10)], [1, 0]),
        ([(0, 0, 10, 5)], [0, None]),  # an overlap of 0.5 is enough
        ([(0, 0, 10, 4.9)], [None, None]),
        ([(0, 0, 10, 6), (0, 0, 10, 9)], [1, None]),  # the better one; the other one is false
        ([(0, 0, 120, 20)], [None, None]),  # one box around both is neither
    ],
)
def test_regions_are_matched_by_overlap(found, expected):
    assert match_regions(HIDDEN, found) == expected


def test_a_found_region_is_matched_once():
    # It overlaps the first by 8/10 and the second by 8/12.
    assert match_regions([(0, 0, 10, 10), (0, 0, 12, 10)], [(0, 0, 8, 10)]) == [0, None]
    # Overlaps of 10/12 with the first and 1 with the second.
    assert match_regions([(0, 0, 10, 10), (0, 0, 12, 10)], [(0, 0, 12, 10)]) == [None, 0]


def test_the_best_match():
    assert best_match((0, 0, 10, 10), []) is None
    assert best_match((0, 0, 10, 10), [(0, 0, 10, 4), (20, 20, 30, 30)]) is None
    assert best_match((0, 0, 10, 10), [(0, 0, 10, 6), (0, 0, 10, 9), (0, 0, 10, 7)]) == 1
