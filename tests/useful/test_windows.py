import numpy as np
import pytest

from keras_deid.useful.pictures import SIDE
from keras_deid.useful.windows import WINDOW, draw_window

FACE = (60.0, 80.0, 90.0, 120.0)


def picture():
    pixels = np.full((SIDE, SIDE, 3), 40, np.uint8)
    pixels[80:120, 60:90] = 200
    return pixels


@pytest.mark.parametrize("seed", range(12))
def test_the_box_lies_where_the_face_is(seed):
    window, faces = draw_window(picture(), [FACE], np.random.default_rng(seed))
    assert window.shape == (WINDOW, WINDOW, 3) and window.dtype == np.uint8
    bright = window[..., 0] > 145  # half-way up for every gain
    if not faces:
        return
    ((x0, y0, x1, y1),) = faces
    rows, columns = np.flatnonzero(bright.any(axis=1)), np.flatnonzero(bright.any(axis=0))
    assert (columns[0], rows[0], columns[-1] + 1, rows[-1] + 1) == pytest.approx((x0, y0, x1, y1), abs=1.5)


def test_the_same_window_of_another_picture():
    one, faces = draw_window(picture(), [FACE], np.random.default_rng(5))
    other, same = draw_window(255 - picture(), [FACE], np.random.default_rng(5))
    assert faces == same and not np.array_equal(one, other)
    assert np.array_equal(one, draw_window(picture(), [FACE], np.random.default_rng(5))[0])


def test_most_windows_show_a_face_and_some_are_mirrored():
    pixels = picture()
    pixels[80:120, 75:90] = 90  # the right half of the face is darker
    rng = np.random.default_rng(0)
    shown, mirrored = 0, 0
    for _ in range(200):
        window, faces = draw_window(pixels, [FACE], rng)
        shown += bool(faces)
        if faces:
            x0, y0, x1, y1 = (round(edge) for edge in faces[0])
            middle = (x0 + x1) // 2
            mirrored += window[y0:y1, x0:middle].mean() < window[y0:y1, middle:x1].mean()
    assert 150 < shown < 200 and 0.3 < mirrored / shown < 0.7


def test_a_picture_without_faces():
    window, faces = draw_window(picture(), [], np.random.default_rng(0))
    assert faces == [] and window.shape == (WINDOW, WINDOW, 3)
