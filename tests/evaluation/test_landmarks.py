import cv2
import numpy as np
import pytest
import skimage.data

from keras_deid.data.faces import Face
from keras_deid.evaluation.faces_found import DETECTION_SIDE, evaluation_detector
from keras_deid.evaluation.landmarks import face_landmarks, mirror_landmarks, normalized_mean_errors

# Eyes, nose and corners of the mouth of an upright face; fractions of the picture.
POINTS = ((0.25, 0.25), (0.5, 0.25), (0.375, 0.375), (0.25, 0.5), (0.5, 0.5))


def face(box, points=POINTS, side=DETECTION_SIDE):
    return Face(tuple(edge * side for edge in box), score=0.9, landmarks=tuple((x * side, y * side) for x, y in points))


class FakeDetector:
    def __init__(self, *faces):
        self.faces = faces

    def detect(self, image):
        assert image.shape == (DETECTION_SIDE, DETECTION_SIDE, 3)
        return self.faces


def test_landmarks_come_in_pixels_of_the_picture():
    other = face((0.5, 0.5, 1, 1), points=((0.9, 0.9),) * 5)
    detector = FakeDetector(other, face((0.125, 0, 0.625, 0.625)))
    found = face_landmarks(detector, np.zeros((64, 64, 3), np.uint8), (8.0, 2.0, 40.0, 40.0))
    np.testing.assert_allclose(found, [[16, 16], [32, 16], [24, 24], [16, 32], [32, 32]])


@pytest.mark.parametrize("box", [(40.0, 40.0, 60.0, 60.0), (8.0, 2.0, 20.0, 20.0), (0.0, 0.0, 0.0, 0.0)])
def test_a_face_elsewhere_has_no_landmarks(box):
    detector = FakeDetector(face((0.125, 0, 0.625, 0.625)))
    assert face_landmarks(detector, np.zeros((64, 64, 3), np.uint8), box) is None
    assert face_landmarks(FakeDetector(), np.zeros((64, 64, 3), np.uint8), (8.0, 2.0, 40.0, 40.0)) is None


def test_a_mirrored_face_has_its_left_eye_where_the_right_one_was():
    mirrored = mirror_landmarks(np.array([POINTS]))
    np.testing.assert_allclose(mirrored, [[(0.5, 0.25), (0.75, 0.25), (0.625, 0.375), (0.5, 0.5), (0.75, 0.5)]])
    np.testing.assert_allclose(mirror_landmarks(mirrored), [POINTS])


def test_errors_are_shares_of_the_faces_size():
    true = np.array([POINTS, POINTS]) * 64
    # The first face is 3 to the right and 4 down throughout; of the second only the nose is off, by 10.
    predicted = true + [[[3, 4]] * 5, [[0, 0], [0, 0], [10, 0], [0, 0], [0, 0]]]
    # The boxes are 20 x 45 and 25 x 4.
    errors = normalized_mean_errors(predicted, true, np.sqrt([20 * 45, 25 * 4]))
    np.testing.assert_allclose(errors, [5 / 30, 2 / 10])
    np.testing.assert_allclose(normalized_mean_errors(true, true, np.ones(2)), 0)


def test_centerface_finds_them_in_a_photograph():
    # Eileen Collins (NASA, public domain); where her eyes, nose and mouth are was read off the enlarged photograph.
    small = cv2.resize(skimage.data.astronaut()[20:220, 120:320], (64, 64), interpolation=cv2.INTER_AREA)
    found = face_landmarks(evaluation_detector(), small, (19.0, 13.0, 48.0, 51.0))
    seen = [[26.6, 25.9], [40.6, 26.4], [33.9, 33.6], [27.2, 38.7], [39.4, 38.9]]
    np.testing.assert_allclose(found, seen, atol=2)
