import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keras_deid.restoring.found import Region
from keras_deid.restoring.tracking import GAP, LEAST, RADIUS, Tracker, match


def seen(x, y=0, side=20, score=0.7, opacity=None):
    return Region((x, y, x + side, y + side), score, opacity)


def track(frames, cuts=(), **options):
    """Boxes of each frame with the numbers of their tracks; `frames` are lists of regions, or None."""
    tracker = Tracker(**options)
    result = []
    for number, regions in enumerate(frames):
        result += tracker.push(regions, cut=number in cuts)
    result += tracker.finish()
    assert len(result) == len(frames)
    return [[(tracked.region.box, tracked.track) for tracked in regions] for regions in result]


def lefts(frames, **options):
    return [[box[0] for box, _ in regions] for regions in track(frames, **options)]


def test_match_takes_the_best_pairs_first_and_each_box_once():
    # IoU: (0, 0) 8/12, (0, 1) 1, (1, 0) 2/18, (1, 1) 4/16
    first, second = [(0, 0, 10, 1), (6, 0, 16, 1)], [(-2, 0, 8, 1), (0, 0, 10, 1)]
    assert match(first, second) == [(0, 1)]
    assert match(first, second, least=0.1) == [(0, 1), (1, 0)]
    assert match([], second) == match(first, []) == []


def test_a_gap_is_bridged_along_the_way():
    frames = [[seen(0)], [seen(4)], [], [], [seen(16)], [seen(20)]]
    assert lefts(frames, radius=0) == [[0], [4], [8], [12], [16], [20]]
    assert {number for regions in track(frames) for _, number in regions} == {0}


@pytest.mark.parametrize("gap", [1, 3])
def test_a_longer_gap_ends_the_track(gap):
    def frames(missed):
        return [[seen(5)]] * 4 + [[]] * missed + [[seen(5)]] * 4

    assert all(track(frames(gap), gap=gap))
    found = track(frames(gap + 1), gap=gap)
    assert [len(regions) for regions in found] == [1] * 4 + [0] * (gap + 1) + [1] * 4
    assert (found[0][0][1], found[-1][0][1]) == (0, 1)


def test_a_single_false_frame_is_dropped_and_a_sure_one_stays():
    frames = [[seen(0)] for _ in range(9)]
    frames[4] = [seen(0), seen(100, score=0.6)]
    assert lefts(frames) == [[0]] * 9
    frames[4] = [seen(0), seen(100, score=0.95)]
    assert lefts(frames) == [[0]] * 4 + [[0, 100]] + [[0]] * 4


@pytest.mark.parametrize(("length", "kept"), [(LEAST - 1, False), (LEAST, True)])
def test_a_track_needs_enough_frames(length, kept):
    frames = [[] for _ in range(20)]
    for number in range(8, 8 + length):
        frames[number] = [seen(0)]
    assert [len(regions) for regions in track(frames)] == [0] * 8 + [kept] * length + [0] * (12 - length)


def test_a_shot_shorter_than_that_needs_no_more_frames_than_it_has():
    assert lefts([[seen(0)]]) == [[0]]
    assert lefts([[]] * 9 + [[seen(0)]] * 2 + [[]] * 9, cuts=(9, 11)) == [[]] * 9 + [[0]] * 2 + [[]] * 9


def test_a_box_is_averaged_with_as_many_frames_before_as_after():
    # Frame 2: (0 + 0 + 10 + 0 + 0) / 5; frames 1 and 3: (0 + 0 + 10) / 3, rounded; the ends have no neighbours.
    assert lefts([[seen(x)] for x in (0, 0, 10, 0, 0)]) == [[0], [3], [2], [3], [0]]


def test_steady_motion_does_not_lag():
    frames = [[seen(3 * number)] for number in range(12)]
    assert lefts(frames) == [[3 * number] for number in range(12)]


def test_a_cut_ends_all_tracks():
    found = track([[seen(0)]] * 6 + [[seen(0)]] * 6, cuts=(6,))
    assert [regions[0][1] for regions in found] == [0] * 6 + [1] * 6
    # Nothing is bridged across one, and no box is averaged across it.
    assert lefts([[seen(0)]] * 5 + [[]] * 2 + [[seen(4)]] * 5, cuts=(6,)) == [[0]] * 5 + [[]] * 2 + [[4]] * 5
    assert lefts([[seen(0)]] * 5 + [[seen(8)]] * 5, cuts=(5,)) == [[0]] * 5 + [[8]] * 5


def test_frames_in_which_nobody_looked_are_interpolated_and_count_as_seen():
    frames = [[seen(0)], None, None, [seen(9)], None, None, [seen(18)]]
    assert lefts(frames, radius=0) == [[0], [3], [6], [9], [12], [15], [18]]
    # 4 frames from the first to the last sight, in a shot that is longer
    assert [len(regions) for regions in track([*frames[:4], [], [], [], []])] == [1] * 4 + [0] * 4


def test_a_region_that_moves_fast_is_followed():
    # Each step is 18 of 20 pixels: the boxes overlap by 2 / 38, the expected ones wholly once the speed is known.
    frames = [[seen(x)] for x in (0, 10, 28, 46, 64, 82)]
    assert {number for regions in track(frames, radius=0) for _, number in regions} == {0}


def test_two_regions_that_pass_each_other_keep_their_tracks():
    frames = [[seen(4 * number), seen(80 - 4 * number, y=6)] for number in range(20)]
    found = track(frames, radius=0)
    for number, regions in enumerate(found):
        assert sorted(regions, key=lambda item: item[1]) == [
            ((4 * number, 0, 4 * number + 20, 20), 0),
            ((80 - 4 * number, 6, 100 - 4 * number, 26), 1),
        ]


def test_the_opacity_follows_the_size_of_the_box():
    opacity = np.zeros((20, 20), np.float32)
    opacity[5:15, 5:15] = 1
    larger = np.kron(opacity, np.ones((2, 2), np.float32))
    tracker = Tracker(radius=0)
    frames = []
    for regions in ([seen(0, opacity=opacity)], None, [Region((0, 0, 40, 40), 0.7, larger)]):
        frames += tracker.push(regions)
    frames += tracker.finish()
    between = frames[1][0].region
    assert between.box == (0, 0, 30, 30) and between.opacity.shape == (30, 30)
    assert between.opacity.min() >= 0 and between.opacity.max() <= 1
    np.testing.assert_allclose(between.opacity.mean(), 0.25, atol=0.02)
    assert frames[0][0].region.opacity is opacity


def test_frames_are_given_out_after_a_bounded_delay():
    tracker = Tracker()
    assert tracker.delay == GAP + 1 + RADIUS
    counts = [len(tracker.push([seen(0)])) for _ in range(200)]
    assert counts == [0] * tracker.delay + [1] * (200 - tracker.delay)
    assert len(tracker.finish()) == tracker.delay


def test_what_is_past_is_forgotten():
    tracker = Tracker()
    for number in range(500):
        tracker.push([seen(0), seen(50 + number % 40)] if number % 20 else [], cut=number % 50 == 25)
    assert len(tracker._tracks) <= 4 and len(tracker._shot_starts) <= 2
    assert max(len(track._observed) for track in tracker._tracks) <= tracker.delay + RADIUS + 2


@given(
    st.lists(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60), st.integers(1, 40)), max_size=3), max_size=30),
    st.sets(st.integers(1, 29)),
)
def test_without_tracking_regions_stay_as_they_are(frames, cuts):
    regions = [[seen(x, y, side) for x, y, side in row] for row in frames]
    tracker = Tracker(gap=0, least=1, radius=0)
    for number, row in enumerate(regions):
        (given_out,) = tracker.push(row, cut=number in cuts)  # at once
        assert [tracked.region for tracked in given_out] == row
        assert len({tracked.track for tracked in given_out}) == len(row)
    assert tracker.finish() == []
