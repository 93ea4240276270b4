import numpy as np
import pytest

from keras_deid.privacy.alignment import aligned

TEMPLATE = np.array([[8.0, 8.0], [24.0, 8.0], [16.0, 16.0], [10.0, 24.0], [22.0, 24.0]])


def spots(points, size, reach):
    """A black picture with a white square at each point."""
    picture = np.zeros((size, size, 3), np.uint8)
    for x, y in np.round(points).astype(int):
        picture[y - reach : y + reach + 1, x - reach : x + reach + 1] = 255
    return picture


def test_a_face_that_lies_right_is_cut_out_as_it_is():
    picture = np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    assert (aligned(picture, TEMPLATE, TEMPLATE, 32) == picture).all()
    assert (aligned(picture, TEMPLATE + 5, TEMPLATE, 20) == picture[5:25, 5:25]).all()


@pytest.mark.parametrize(("scale", "angle"), [(1.0, 0.0), (1.0, 0.4), (4.0, -0.2), (7.5, 0.1), (2.0, 3.0)])
def test_landmarks_come_to_their_places(scale, angle):
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    points = (TEMPLATE - 16) @ turn.T * scale + 150
    cut = aligned(spots(points, 300, round(3 * scale)), points, TEMPLATE, 32)
    assert all(cut[round(y), round(x)].min() > 250 for x, y in TEMPLATE)
    assert cut[16, 4].max() == 0  # between the spots


def test_pixels_are_averaged_where_the_face_is_shrunk():
    stripes = np.zeros((320, 320, 3), np.uint8)
    stripes[:, ::2] = 200
    cut = aligned(stripes, TEMPLATE * 10, TEMPLATE, 32)
    assert np.abs(cut.astype(int) - 100).max() <= 2


def test_masks_and_edges():
    mask = np.zeros((32, 32), np.float32)
    mask[:16] = 0.5
    cut = aligned(mask, TEMPLATE + (0, 16), TEMPLATE, 32)
    assert cut.dtype == np.float32 and cut.shape == (32, 32) and (cut == 0).all()
    assert (aligned(mask, TEMPLATE - (0, 16), TEMPLATE, 32)[:16] == 0.5).all()  # beyond the picture, its edge


def test_one_point_five_times_is_no_face():
    with pytest.raises(ValueError, match="not all the same point"):
        aligned(np.zeros((32, 32, 3), np.uint8), [(3.0, 4.0)] * 5, TEMPLATE, 32)
