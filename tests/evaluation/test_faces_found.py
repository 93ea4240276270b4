from typing import NamedTuple

import cv2
import numpy as np
import pytest

from keras_deid.boxes import box_to_crop, square_around
from keras_deid.data.faces import FaceDetector
from keras_deid.data.images import find_images, read_image
from keras_deid.evaluation.faces_found import DETECTION_SIDE, evaluation_detector, face_found


class FakeFace(NamedTuple):
    box: tuple[float, float, float, float]


class FakeDetector:
    """Finds the same boxes in every picture, and remembers the shapes of what it was shown."""

    def __init__(self, *boxes):
        self.boxes = boxes
        self.shapes = []

    def detect(self, image):
        self.shapes.append(image.shape)
        return [FakeFace(box) for box in self.boxes]


def picture(height, width):
    return np.zeros((height, width, 3), np.uint8)


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ((10, 10, 30, 30), 1.0),
        ((10, 10, 30, 20), 1.0),  # half of the box: IoU 0.5
        ((10, 10, 30, 19.9), 0.0),
        ((10, 10, 50, 30), 1.0),  # twice the box: IoU 0.5
        ((10, 10, 50, 31), 0.0),
        ((40, 40, 60, 60), 0.0),
    ],
)
def test_a_face_counts_from_half_overlap(found, expected):
    detector = FakeDetector(found)
    assert face_found(detector, picture(256, 256), (10, 10, 30, 30)) == expected


def test_no_face_is_not_found():
    assert face_found(FakeDetector(), picture(256, 256), (10, 10, 30, 30)) == 0.0


def test_any_of_the_faces_may_be_the_one():
    detector = FakeDetector((100, 100, 200, 200), (10, 10, 30, 30))
    assert face_found(detector, picture(256, 256), (10, 10, 30, 30)) == 1.0


def test_small_pictures_are_enlarged_and_the_box_with_them():
    detector = FakeDetector((40, 40, 120, 120))
    assert face_found(detector, picture(64, 96), (10, 10, 30, 30)) == 1.0
    assert detector.shapes == [(DETECTION_SIDE, DETECTION_SIDE * 96 // 64, 3)]


def test_large_pictures_are_left_as_they_are():
    detector = FakeDetector((10, 10, 30, 30))
    assert face_found(detector, picture(300, 400), np.array([10, 10, 30, 30], np.float32)) == 1.0
    assert detector.shapes == [(300, 400, 3)]


@pytest.mark.parametrize("box", [(0, 0, 0, 0), (5, 5, 5, 9), (9, 9, 5, 5)])
def test_without_a_box_there_is_no_answer(box):
    assert np.isnan(face_found(FakeDetector(), picture(64, 64), box))


def test_centerface_finds_originals_and_misses_what_is_hidden(photos):
    detector, crops = evaluation_detector(), []
    for path in find_images(photos)[:8]:
        photo = read_image(path)
        for face in FaceDetector().detect(photo)[:1]:
            square = square_around(face.box, 2.0, photo.shape[:2])
            crop = photo[square[1] : square[3], square[0] : square[2]]
            small = cv2.resize(crop, (64, 64), interpolation=cv2.INTER_AREA)
            crops.append((small, box_to_crop(face.box, square, (64, 64))))
    assert crops, "no face in the first photographs"
    assert np.mean([face_found(detector, crop, box) for crop, box in crops]) >= 0.8
    for crop, (x0, y0, x1, y1) in crops:
        crop[int(y0) : int(y1), int(x0) : int(x1)] = 0
    assert np.mean([face_found(detector, crop, box) for crop, box in crops]) <= 0.2
