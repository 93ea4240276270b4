import numpy as np
import pytest

from keras_deid.data.crowds import crowded
from keras_deid.evaluation.image_quality import psnr

FACE = (140.0, 80.0, 170.0, 120.0)
SIZE = (300, 400)


def street(face=FACE):
    """A grey street with a person: a red head on blue shoulders."""
    pixels = np.full((*SIZE, 3), 128, np.uint8)
    x0, y0, x1, y1 = (round(edge) for edge in face)
    pixels[y1 : y1 + 60, x0 - 20 : x1 + 20] = (0, 0, 200)
    pixels[y0:y1, x0:x1] = (200, 0, 0)
    return pixels


def crowds(count=40, pixels=None, faces=(FACE,)):
    pixels = street() if pixels is None else pixels
    return [crowded(pixels, list(faces), np.random.default_rng(seed)) for seed in range(count)]


def test_the_first_faces_are_those_of_before_and_others_follow():
    counts = []
    for picture, faces in crowds():
        assert picture.shape == (*SIZE, 3) and picture.dtype == np.uint8
        assert faces[0] == FACE
        counts.append(len(faces))
        for x0, y0, x1, y1 in faces[1:]:
            assert -1 <= x0 < x1 <= SIZE[1] + 1 and -1 <= y0 < y1 <= SIZE[0] + 1
            assert 0.45 < (x1 - x0) / 30 < 1.25 and (x1 - x0) / (y1 - y0) == pytest.approx(30 / 40)
    assert min(counts) >= 1 and max(counts) <= 8 and np.mean(counts) > 3


def test_boxes_lie_on_the_faces_that_were_added():
    """The middle of the last one that was added is not covered by any other."""
    seen = 0
    for picture, faces in crowds():
        x0, y0, x1, y1 = faces[-1]
        middle = picture[round((y0 + y1) / 2), round((x0 + x1) / 2)].astype(int)
        assert middle[0] > 100 and max(middle[1:]) < 30  # red, brighter or darker
        seen += len(faces) > 1
    assert seen > 30


def test_the_photograph_given_stays_as_it_is():
    pixels = street()
    for picture, faces in crowds(8, pixels):
        np.testing.assert_array_equal(pixels, street())
        assert (picture != pixels).any() or faces == [FACE]


def test_no_face_is_covered_by_half():
    for picture, _ in crowds():
        reds = (picture[80:120, 140:170, 0].astype(int) - picture[80:120, 140:170, 1]) > 60
        assert reds.mean() > 0.5


def test_without_a_whole_face_nobody_is_added():
    cut = (-10.0, 80.0, 20.0, 120.0)
    for faces in ((), (cut,)):
        picture, same = crowded(street(), list(faces), np.random.default_rng(0))
        np.testing.assert_array_equal(picture, street())
        assert same == list(faces)


def test_a_face_that_would_be_tiny_is_not_added():
    tiny = (140.0, 80.0, 148.0, 90.0)
    assert all(faces == [tiny] for _, faces in crowds(10, faces=(tiny,)))


def test_a_crowd_depends_on_the_generator_alone():
    (one, faces), (again, same) = (crowded(street(), [FACE], np.random.default_rng(3)) for _ in range(2))
    np.testing.assert_array_equal(one, again)
    assert faces == same
    other, _ = crowded(street(), [FACE], np.random.default_rng(4))
    assert psnr(one, other) < 40


def test_faces_at_a_corner_and_in_a_photograph_of_their_size():
    for size, face in (((60, 50), (0.0, 0.0, 50.0, 60.0)), ((300, 400), (370.0, 260.0, 400.0, 300.0))):
        pixels = np.random.default_rng(0).integers(0, 256, (*size, 3), np.uint8)
        for seed in range(10):
            picture, faces = crowded(pixels, [face], np.random.default_rng(seed))
            assert picture.shape == pixels.shape and faces[0] == face
