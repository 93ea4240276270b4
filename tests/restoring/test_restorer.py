import numpy as np
import pytest

from keras_deid import Restorer
from keras_deid.errors import UserError
from keras_deid.restoring import restorer as module
from keras_deid.restoring.run_model import RunModel
from keras_deid.shipped import find_run


class Negative:
    name, identity, size, context = "negative", "0", (16, 16), 2.0

    def __init__(self, folder):
        pass

    def restore(self, pictures):
        return 255 - pictures


@pytest.fixture
def negative(monkeypatch):
    monkeypatch.setattr(module, "RunModel", Negative)
    return Restorer("any")


def test_without_boxes_the_whole_picture_is_the_input(negative):
    picture = np.random.default_rng(0).integers(0, 256, (16, 16, 3)).astype(np.uint8)
    np.testing.assert_array_equal(negative.restore(picture), 255 - picture)


def test_with_boxes_only_they_change(negative):
    picture = np.full((40, 60, 3), 40, np.uint8)
    expected = picture.copy()
    expected[5:15, 10:20] = expected[20:30, 40:50] = 215
    restored = negative.restore(picture, boxes=[(10, 5, 20, 15), (40, 20, 50, 30)])
    np.testing.assert_array_equal(restored, expected)
    assert (picture == 40).all()
    np.testing.assert_array_equal(negative.restore(picture, boxes=[]), picture)


@pytest.mark.parametrize(
    "image", [np.zeros((8, 8, 3)), np.zeros((8, 8), np.uint8), np.zeros((8, 8, 4), np.uint8), [[1, 2, 3]]]
)
def test_what_is_no_picture_is_one_line(negative, image):
    with pytest.raises(UserError, match=r"image: expected uint8 \(height, width, 3\), received ") as error:
        negative.restore(image)
    assert "\n" not in str(error.value)


def test_a_box_outside_is_one_line(negative):
    with pytest.raises(UserError, match="boxes: .*box inside the picture"):
        negative.restore(np.zeros((8, 8, 3), np.uint8), boxes=[(10, 10, 12, 12)])


def test_a_run_as_a_model():
    model = RunModel("street64")
    assert (model.name, model.size, model.context) == ("street64", (64, 64), 2.0)
    assert len(model.identity) == 64 and model.identity != RunModel("street64_blocks").identity
    pictures = np.random.default_rng(0).integers(0, 256, (2, 64, 64, 3)).astype(np.uint8)
    restored = model.restore(pictures)
    assert restored.shape == pictures.shape and restored.dtype == np.uint8
    # The generator starts from its input, which dominates what comes out.
    assert np.abs(restored.astype(int) - pictures).mean() < np.abs(128 - pictures.astype(int)).mean()


def test_the_same_by_name_and_by_folder():
    assert RunModel(find_run("street64")).identity == RunModel("street64").identity


def test_what_is_no_run_is_one_line(tmp_path):
    with pytest.raises(UserError, match=r"generator\.keras: no such file; train the run first"):
        Restorer(tmp_path)
