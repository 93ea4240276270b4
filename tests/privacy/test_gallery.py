import numpy as np

from keras_deid.data.faces import Face
from keras_deid.privacy.gallery import altered, altered_face


class Fixed:
    def __init__(self, *boxes):
        self.faces = [Face(box, 0.9, ((0.0, 0.0),) * 5) for box in boxes]

    def detect(self, image):
        return self.faces


def test_a_photograph_is_mirrored_darker_and_smaller():
    photograph = np.full((100, 60, 3), 200, np.uint8)
    photograph[:, :30] = 100
    other = altered(photograph)
    assert other.shape == (80, 48, 3)
    assert abs(float(other[:, 26:].mean()) - 85) < 1 and abs(float(other[:, :22].mean()) - 170) < 1
    assert other.std(axis=(0, 1)).min() > 0 and (altered(photograph) == other).all()


def test_the_face_is_found_at_its_mirrored_place():
    photograph, smaller = np.zeros((100, 100, 3), np.uint8), np.zeros((80, 80, 3), np.uint8)
    # Mirrored, (10, 20, 40, 60) is (60, 20, 90, 60), and shrunk (48, 16, 72, 48).
    detector = Fixed((8.0, 16.0, 32.0, 48.0), (50.0, 17.0, 73.0, 47.0))
    found = altered_face(photograph, smaller, (10.0, 20.0, 40.0, 60.0), detector)
    assert found is detector.faces[1]
    assert altered_face(photograph, smaller, (10.0, 20.0, 40.0, 60.0), Fixed((8.0, 16.0, 32.0, 48.0))) is None
