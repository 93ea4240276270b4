import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keras_deid.data.boxes import iou
from keras_deid.evaluation.face_windows import MOST_IOU, WINDOW, background_places, cut_windows

SIZE = 64
FACE = np.array([[16.0, 16, 48, 48]], np.float32)


def picture_with_white_face():
    picture = np.zeros((SIZE, SIZE, 3), np.uint8)
    picture[16:48, 16:48] = 255
    return picture


def test_a_window_of_the_face_is_the_face():
    windows = cut_windows([({"original": picture_with_white_face()}, FACE)], jitter=0.0, faces=1)
    assert windows.is_face.tolist() == [True, False]
    assert windows.picture.tolist() == [0, 0]
    face, background = windows.pixels["original"]
    assert face.shape == (WINDOW, WINDOW, 3)
    assert (face == 255).all()
    # At most an IoU of a half: of 32 x 32 pixels at most two thirds are the face's.
    assert (background == 255).all(axis=-1).sum() <= 683


def test_all_sources_are_cut_at_the_same_places():
    random = np.random.default_rng(0)
    original = random.integers(0, 256, (SIZE, SIZE, 3)).astype(np.uint8)
    windows = cut_windows([({"original": original, "restored": 255 - original}, FACE)] * 3, jitter=0.1, faces=2)
    assert windows.is_face.tolist() == [True, True, False, False] * 3
    assert windows.picture.tolist() == [0] * 4 + [1] * 4 + [2] * 4
    difference = windows.pixels["original"].astype(int) + windows.pixels["restored"]
    assert (abs(difference - 255) <= 1).all()
    assert (windows.pixels["original"][0] != windows.pixels["original"][1]).any()


@pytest.mark.parametrize("box", [[0.0, 0, 0, 0], [0.0, 0, 64, 64]])
def test_without_a_face_or_room_there_are_no_windows(box):
    windows = cut_windows([({"original": picture_with_white_face()}, np.array([box], np.float32))], 0.0, 1)
    assert not windows.pixels and not windows.is_face.any()


def test_background_is_clear_of_every_face():
    boxes = np.array([[0, 0, 32, 32], [32, 0, 64, 32], [0, 32, 32, 64]], np.float32)
    places = background_places(boxes, (SIZE, SIZE))
    assert [32, 32, 64, 64] in places.tolist()
    assert all(iou(tuple(place), tuple(box)) <= MOST_IOU for place in places.tolist() for box in boxes.tolist())
    # 20 rows of 32 shared with one face are an IoU of 0.45, 22 rows are 0.52.
    assert [32, 12, 64, 44] in places.tolist() and [32, 10, 64, 42] not in places.tolist()


@given(
    st.integers(40, 90),
    st.integers(40, 90),
    st.lists(st.tuples(st.floats(0, 30), st.floats(0, 30), st.floats(4, 40), st.floats(4, 40)), min_size=1, max_size=3),
)
def test_background_lies_inside_and_shares_little_with_faces(height, width, faces):
    boxes = np.array([(x, y, min(x + w, width), min(y + h, height)) for x, y, w, h in faces])
    for place in background_places(boxes, (height, width)).tolist():
        x0, y0, x1, y1 = place
        assert 0 <= x0 < x1 <= width and 0 <= y0 < y1 <= height
        assert all(iou(tuple(place), tuple(box)) <= MOST_IOU + 1e-6 for box in boxes.tolist())
