import cv2
import numpy as np
import pytest
import skimage.data

from keras_deid.boxes import iou
from keras_deid.data.faces import Face, FaceDetector

# Measured with a ruler on the photograph of Eileen Collins (NASA, public domain) that scikit-image brings along.
FACE = (180, 60, 270, 178)


@pytest.fixture(scope="module")
def photograph():
    return skimage.data.astronaut()


@pytest.fixture(scope="module")
def detector():
    return FaceDetector()


def test_finds_the_face(detector, photograph):
    (face,) = detector.detect(photograph)
    assert iou(face.box, FACE) > 0.8
    assert 0.5 < face.score < 1
    assert all(isinstance(edge, float) for edge in face.box)


@pytest.mark.parametrize("side", [32, 64, 96])
def test_finds_a_face_in_a_small_crop(detector, photograph, side):
    crop = cv2.resize(photograph[20:220, 120:320], (side, side), interpolation=cv2.INTER_AREA)
    expected = tuple((edge - start) * side / 200 for edge, start in zip(FACE, (120, 20, 120, 20), strict=True))
    assert iou(detector.detect(crop)[0].box, expected) > 0.7


def test_finds_a_small_face_in_a_large_photograph(detector, photograph):
    small = cv2.resize(photograph, (160, 160), interpolation=cv2.INTER_AREA)  # the face is 28 pixels wide
    large = np.full((1200, 1600, 3), 90, np.uint8)
    large[700:860, 1300:1460] = small
    (face,) = detector.detect(large)
    expected = tuple(start + edge * 160 / 512 for edge, start in zip(FACE, (1300, 700, 1300, 700), strict=True))
    assert iou(face.box, expected) > 0.7


def test_the_most_prominent_comes_first(detector, photograph):
    half = cv2.resize(photograph, (256, 256), interpolation=cv2.INTER_AREA)
    both = np.full((512, 768, 3), 128, np.uint8)
    both[:256, :256] = half
    both[:, 256:] = photograph
    first, second = detector.detect(both)
    assert iou(first.box, tuple(np.add(FACE, (256, 0, 256, 0)))) > 0.7
    assert iou(second.box, tuple(np.divide(FACE, 2))) > 0.7


def test_boxes_stay_inside_the_picture(detector, photograph):
    cut = photograph[:140, 200:]  # through the face
    for face in detector.detect(cut):
        x0, y0, x1, y1 = face.box
        assert 0 <= x0 <= x1 <= cut.shape[1] and 0 <= y0 <= y1 <= cut.shape[0]


def test_nobody_there(detector):
    assert detector.detect(np.full((100, 200, 3), 128, np.uint8)) == []
    assert detector.detect(skimage.data.coffee()) == []


def test_score_decides(photograph):
    assert FaceDetector(min_score=0.99).detect(photograph) == []


def test_the_same_picture_gives_the_same_faces(detector, photograph):
    first = detector.detect(photograph)
    detector.detect(photograph[:300, :200])
    assert detector.detect(photograph) == first
    assert isinstance(first[0], Face)


@pytest.mark.parametrize(
    ("min_face", "size", "expected"),
    [
        (12, (640, 960), (640, 960)),  # a face of 12 pixels needs them all
        (24, (640, 960), (320, 480)),
        (48, (640, 960), (160, 256)),  # a quarter of 960 is no multiple of 32
        (1, (640, 960), (640, 960)),
        (24, (100, 80), (224, 160)),  # small pictures are enlarged
        (12, (4096, 4096), (2048, 2048)),  # to keep the memory within bounds
    ],
)
def test_network_size(min_face, size, expected):
    assert FaceDetector(min_face=min_face)._network_size(*size) == expected


@pytest.mark.parametrize("size", [(1, 1), (1, 100), (20, 600)])
def test_odd_sizes(detector, size):
    assert detector.detect(np.zeros((*size, 3), np.uint8)) == []


@pytest.mark.parametrize("image", [np.zeros((8, 8, 3)), np.zeros((8, 8), np.uint8), np.zeros((8, 8, 4), np.uint8)])
def test_takes_rgb_only(detector, image):
    with pytest.raises(ValueError, match="Received: dtype="):
        detector.detect(image)


@pytest.mark.parametrize("settings", [{"min_face": 0}, {"min_face": float("inf")}, {"min_score": 0}, {"min_score": 1}])
def test_settings_out_of_range(settings):
    with pytest.raises(ValueError, match="Received: min_"):
        FaceDetector(**settings)
