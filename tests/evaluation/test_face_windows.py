import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from keras_deid.evaluation.face_windows import JITTER, OF_FACE, WINDOW, cut_windows

SIZE = 96
BOX = (36.0, 30.0, 60.0, 62.0)
# Corners of the box and its middle.
POINTS = np.array([[36, 30], [60, 30], [48, 46], [36, 62], [60, 62]], float)


def picture_with_points(points):
    """Black, with a white square of 3 px about each point's pixel."""
    picture = np.zeros((SIZE, SIZE, 3), np.uint8)
    for x, y in points.astype(int):
        picture[y - 1 : y + 2, x - 1 : x + 2] = 255
    return picture


def test_landmarks_lie_in_the_windows_where_they_were_in_the_picture():
    inner = np.array([[42, 38], [54, 38], [48, 46], [42, 56], [54, 56]], float)
    windows = cut_windows([({"original": picture_with_points(inner)}, BOX, inner + 0.5)] * 3)
    assert windows.pixels["original"].shape == (3 * OF_FACE, WINDOW, WINDOW, 3)
    assert windows.picture.tolist() == [0, 0, 1, 1, 2, 2]
    for pixels, landmarks in zip(windows.pixels["original"], windows.landmarks, strict=True):
        for x, y in landmarks * WINDOW:
            assert pixels[int(y), int(x)].min() >= 200


def test_a_face_is_measured_in_windows():
    windows = cut_windows([({"original": np.zeros((SIZE, SIZE, 3), np.uint8)}, BOX, POINTS)])
    # All distances are divided by the side of the window, which is 32 px wide give or take a tenth.
    between_eyes = windows.landmarks[:, 1, 0] - windows.landmarks[:, 0, 0]
    np.testing.assert_allclose(windows.face_size / between_eyes, np.sqrt(24 * 32) / 24, rtol=1e-5)
    assert (abs(24 / between_eyes - 32) <= JITTER * 32 + 1).all()


def test_all_sources_are_cut_at_the_same_places():
    random = np.random.default_rng(0)
    original = random.integers(0, 256, (SIZE, SIZE, 3)).astype(np.uint8)
    windows = cut_windows([({"original": original, "restored": 255 - original}, BOX, POINTS)] * 3)
    difference = windows.pixels["original"].astype(int) + windows.pixels["restored"]
    assert (abs(difference - 255) <= 1).all()
    assert (windows.landmarks[0] != windows.landmarks[1]).any()
    assert (windows.landmarks[0] != windows.landmarks[2]).any()


def test_without_a_face_there_are_no_windows():
    windows = cut_windows([])
    assert not windows.pixels and not len(windows.picture)
    assert windows.landmarks.shape == (0, 5, 2)


@given(st.integers(40, 90), st.integers(40, 90), st.floats(0, 30), st.floats(0, 30), st.floats(4, 40), st.floats(4, 40))
def test_windows_lie_inside_the_picture(height, width, x, y, box_width, box_height):
    box = (x, y, min(x + box_width, width), min(y + box_height, height))
    columns, rows = np.meshgrid(np.arange(width), np.arange(height))
    picture = np.stack([columns, rows, np.zeros_like(rows)], axis=-1).astype(np.uint8)
    corners = np.array([[0, 0], [width, 0], [0, height], [width, height], [0, 0]], float)
    windows = cut_windows([({"original": picture}, box, corners)])
    # The picture surrounds every window.
    assert (windows.landmarks[:, 0] <= 1e-6).all() and (windows.landmarks[:, 3] >= 1 - 1e-6).all()
