import pytest

from keras_deid.field.photographs import ListedFaces, find_photographs
from keras_deid.restoring.region_sources import Located
from keras_deid.useful.pictures import UsefulSubject

from ..hidden_faces import Grey, draw_photographs, draw_wall, mark_black


@pytest.fixture
def scenes(tmp_path):
    """Four drawn photographs with a face each, and a fifth one of a wall; and where the faces are."""
    drawn = draw_photographs(tmp_path, ("a.png", "b.png", "c.png", "d.png"))
    draw_wall(drawn.folder)
    return drawn


@pytest.fixture
def subject(scenes):
    def make(*kinds):
        faces = ListedFaces(scenes.csv, find_photographs(scenes.folder))
        return UsefulSubject(Grey(), Located(mark_black, "black"), faces, kinds)

    return make
