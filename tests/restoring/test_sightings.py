import numpy as np
import pytest

from keras_deid.restoring.found import Region
from keras_deid.restoring.sightings import colour_histogram, histogram_distance, sight


def scene(level, size=(40, 60)):
    return np.full((*size, 3), level, np.uint8)


def run(levels, boxes, every):
    """Looks at a video of grey frames; `boxes` has the left edges of the regions of each frame."""
    looked = []

    def find(pixels, number):
        assert pixels[0, 0, 0] == levels[number]
        looked.append(number)
        return [Region((x, 0, x + 20, 20)) for x in boxes[number]]

    frames = [(f"frame {number}", scene(level)) for number, level in enumerate(levels)]
    sightings = list(sight(frames, find, every))
    assert [sighting.frame for sighting in sightings] == [name for name, _ in frames]
    for number, sighting in enumerate(sightings):
        assert (sighting.regions is not None) == (number in looked)
        if sighting.regions is not None:
            assert [region.box[0] for region in sighting.regions] == boxes[number]
    return sorted(looked), [number for number, sighting in enumerate(sightings) if sighting.cut]


def test_the_histogram_is_the_part_of_each_colour():
    pixels = np.zeros((4, 4, 3), np.uint8)
    pixels[:1] = (255, 64, 128)
    histogram = colour_histogram(pixels)
    assert histogram[0] == 0.75 and histogram[3 * 16 + 1 * 4 + 2] == 0.25 and histogram.sum() == 1
    assert histogram_distance(histogram, colour_histogram(np.zeros((4, 4, 3), np.uint8))) == 0.25
    assert histogram_distance(histogram, colour_histogram(np.full((9, 9, 3), 255, np.uint8))) == 1


def test_every_third_frame_is_looked_at_and_the_ends():
    assert run([100] * 9, [[5]] * 9, every=3) == ([0, 3, 6, 8], [])
    assert run([100] * 4, [[5]] * 4, every=1) == ([0, 1, 2, 3], [])
    assert run([100], [[5]], every=3) == ([0], [])
    assert run([], [], every=3) == ([], [])


@pytest.mark.parametrize(
    "boxes",
    [
        [[]] * 5 + [[5]] * 8,  # comes in frame 5
        [[5]] * 5 + [[]] * 8,  # goes in frame 5
        [[5]] * 5 + [[60]] * 8,  # jumps in frame 5
    ],
)
def test_frames_between_are_looked_at_where_something_came_or_went(boxes):
    assert run([100] * 13, boxes, every=3) == ([0, 3, 4, 5, 6, 9, 12], [])


def test_both_sides_of_a_cut_are_looked_at():
    assert run([20] * 5 + [200] * 5, [[5]] * 10, every=3) == ([0, 3, 4, 5, 8, 9], [5])
    # Slow changes of the light are none.
    assert run([20, 22, 24, 26], [[5]] * 4, every=3) == ([0, 3], [])
