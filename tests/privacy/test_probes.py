import numpy as np
import pytest

from keras_deid.privacy.alignment import aligned
from keras_deid.privacy.measure import OFFERED
from keras_deid.privacy.probes import SOURCES, probe_faces, restore_hidden


@pytest.fixture
def probed(subject):
    """Hides a red face on grey, restores it, and returns the pictures and what is cut out of them."""

    def make(kind):
        measured = subject(kind)
        embedder = measured.embedders[0]
        photograph = np.full((128, 128, 3), 100, np.uint8)
        photograph[44:84, 44:84] = (250, 40, 40)
        (face,) = measured.detector.detect(photograph)
        hidden = OFFERED[kind].hide(photograph, [face.box])
        restored = restore_hidden(measured.model, hidden)
        stranger = np.full((32, 32, 3), (0, 0, 200), np.uint8)
        faces = probe_faces(embedder, hidden, restored, face.landmarks, stranger)
        cut = aligned(hidden.mask, face.landmarks, embedder.template, embedder.side)
        return hidden, restored, faces, cut

    return make


@pytest.mark.parametrize("kind", ["deface_solid", "deface_blur", "across_4", "gaussian"])
def test_only_hidden_pixels_are_restored(probed, kind):
    hidden, restored, _, _ = probed(kind)
    inside = hidden.mask > 0
    assert (restored[inside] == 128).all() and (restored[~inside] == hidden.picture[~inside]).all()


def test_faces_of_a_mosaic(probed):
    _, _, faces, opacity = probed("across_4")
    assert set(faces) == set(SOURCES) and all(face.shape == (32, 32, 3) for face in faces.values())
    assert (opacity == 1).all()  # the template shows the middle of the face alone
    assert (faces["flat"] == 128).all() and (faces["restored"] == 128).all()
    assert (faces["stranger"] == (0, 0, 200)).all()
    assert (faces["hidden"][..., 0] > faces["hidden"][..., 1]).all()
    assert not (faces["bicubic"] == faces["hidden"]).all()


def test_surroundings_stay_in_the_controls(probed):
    _, _, faces, opacity = probed("deface_blur")
    assert "bicubic" not in faces
    outside = opacity == 0
    for source in ("flat", "stranger", "restored"):
        assert (faces[source][outside] == faces["hidden"][outside]).all()
        assert (faces[source][opacity == 1] != faces["hidden"][opacity == 1]).any()
