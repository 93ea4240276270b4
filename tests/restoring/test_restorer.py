import numpy as np
import pytest

from keras_deid import Restorer
from keras_deid.config import Config
from keras_deid.errors import UserError
from keras_deid.models.locator import locator
from keras_deid.models.resnet_generator import resnet_generator
from keras_deid.restoring import restorer as module
from keras_deid.restoring.run_locator import RunLocator
from keras_deid.restoring.run_model import RunModel

from .conftest import Fake


@pytest.fixture
def negative(monkeypatch):
    """A restorer of negatives, which finds what is white."""

    class WhiteLocator:
        identity = "abc"

        def __init__(self, name_or_path, runtime):
            assert name_or_path == "some locator"

        def mark(self, picture):
            return picture[::4, ::4, 0] / np.float32(255)

    monkeypatch.setattr(module, "RunModel", lambda name_or_path, runtime: Fake(lambda batch: 255 - batch))
    monkeypatch.setattr(module, "RunLocator", WhiteLocator)
    return Restorer("any", locator="some locator")


def with_white(size=(64, 96)):
    picture = np.full((*size, 3), 10, np.uint8)
    picture[16:32, 32:64], picture[32:48, 32:64] = 255, 235  # one flat colour would be filled from around it
    return picture


def test_without_boxes_the_locator_finds_the_regions(negative):
    picture = with_white()
    restored = negative.restore(picture)
    assert (restored[24:40, 40:56] <= 25).all()
    (region,) = negative.find(picture)
    x0, y0, x1, y1 = region.box
    assert x0 <= 32 and y0 <= 16 and x1 >= 64 and y1 >= 48
    outside = np.ones((64, 96), bool)
    outside[y0:y1, x0:x1] = False
    np.testing.assert_array_equal(restored[outside], picture[outside])
    np.testing.assert_array_equal(picture, with_white())


def test_a_picture_in_which_nothing_is_found_comes_back_as_it_is(negative):
    picture = np.full((40, 60, 3), 10, np.uint8)
    restored = negative.restore(picture)
    np.testing.assert_array_equal(restored, picture)
    restored[:] = 0  # and is another array
    assert (picture == 10).all()


def test_the_threshold_is_the_least_score(negative):
    picture = with_white()
    picture[picture > 200] = 180
    assert len(negative.find(picture, threshold=0.6)) == 1 and negative.find(picture, threshold=0.8) == []


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
    for use in (negative.restore, negative.find):
        with pytest.raises(UserError, match=r"image: expected uint8 \(height, width, 3\), received ") as error:
            use(image)
        assert "\n" not in str(error.value)


def test_a_box_outside_is_one_line(negative):
    with pytest.raises(UserError, match="boxes: .*box inside the picture"):
        negative.restore(np.zeros((8, 8, 3), np.uint8), boxes=[(10, 10, 12, 12)])


# ---- Trained runs ---------------------------------------------------------------------------------------------------


@pytest.fixture
def trained(tmp_path):
    """Writes a run that was hardly trained, and returns its folder."""

    def write(name, method, size=(16, 24)):
        folder = tmp_path / name
        folder.mkdir()
        data = {"image_size": size, "crop_context": 1.5, "source": "prepared", "path": "faces"}
        config = Config.model_validate({"name": name, "data": data, "deidentify": {"method": method}})
        config.save(folder / "config.yaml")
        generator = resnet_generator((*size, 3), filters=4, blocks=1, reduction=4, global_skip=True)
        generator.save(folder / "generator.keras")
        return folder

    return write


def test_a_run_as_a_model(trained):
    one, other = RunModel(trained("one", "mosaic")), RunModel(trained("other", "catalogue", (16, 16)))
    assert (one.name, one.size, one.context, one.adds_detail) == ("one", (16, 24), 2.0, False)
    assert (other.name, other.size, other.context, other.adds_detail) == ("other", (16, 16), 1.5, True)
    assert len(one.identity) == 64 and one.identity != other.identity
    pictures = np.random.default_rng(0).integers(0, 256, (2, 16, 24, 3)).astype(np.uint8)
    restored = one.restore(pictures)
    assert restored.shape == pictures.shape and restored.dtype == np.uint8
    # The generator starts from its input, which dominates what comes out.
    assert np.abs(restored.astype(int) - pictures).mean() < 3


def test_a_run_restores_regions(trained):
    restorer = Restorer(trained("other", "catalogue", (16, 16)))
    picture = np.random.default_rng(0).integers(0, 256, (60, 80, 3)).astype(np.uint8)
    restored = restorer.restore(picture, boxes=[(10, 5, 50, 45)])
    np.testing.assert_array_equal(restored[45:], picture[45:])
    assert (restored[5:45, 10:50] != picture[5:45, 10:50]).any()


def test_a_run_as_a_locator(tmp_path):
    network = locator(filters=4, blocks=0)
    network.save(tmp_path / "locator.keras")
    picture = np.random.default_rng(0).integers(0, 256, (32, 64, 3)).astype(np.uint8)
    marked = RunLocator(tmp_path).mark(picture)
    logits = np.asarray(network(picture[None] / np.float32(127.5) - 1))[0, ..., 0]
    assert marked.shape == (8, 16) and marked.dtype == np.float32
    np.testing.assert_allclose(marked, 1 / (1 + np.exp(-logits)), atol=1e-5)


def test_what_is_no_run_is_one_line(tmp_path):
    with pytest.raises(UserError, match=r"generator\.keras: no such file; train the run first"):
        Restorer(tmp_path)
    with pytest.raises(UserError, match=r"locator\.keras: no such file; train the run first"):
        RunLocator(tmp_path)
