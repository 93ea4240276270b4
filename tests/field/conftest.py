import pytest

from keras_deid.data.faces import Face
from keras_deid.field.evaluate import FieldSubject
from keras_deid.field.photographs import ListedFaces, find_photographs
from keras_deid.restoring.region_sources import Located

from ..hidden_faces import SIZE, Grey, draw_photographs, draw_wall, mark_black


class Detector:
    """Finds the faces whose middle is not black, with all points there, one to the right for a level of brightness."""

    def __init__(self, boxes):
        self.boxes = boxes

    def detect(self, image):
        height, width = image.shape[:2]
        found = []
        for box in self.boxes:
            scaled = tuple(edge * width / SIZE for edge in box)
            x, y = round((scaled[0] + scaled[2]) / 2), round((scaled[1] + scaled[3]) / 2)
            if image[y, x].any():
                found.append(Face(scaled, 0.9, ((x, y),) * 5))
        return found


@pytest.fixture
def scenes(tmp_path):
    """Two drawn photographs with a face each, and a third one of a wall; and where the faces are."""
    drawn = draw_photographs(tmp_path, ("a.png", "b.png"))
    draw_wall(drawn.folder)
    return drawn


@pytest.fixture
def subject(scenes):
    def make(*kinds, mark=mark_black):
        return FieldSubject(
            Grey(),
            Located(mark, "black"),
            ListedFaces(scenes.csv, find_photographs(scenes.folder)),
            kinds,
            Detector(list(scenes.boxes.values())),
        )

    return make
