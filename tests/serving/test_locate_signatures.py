"""The signatures that find hidden regions, and the one that says what the model is."""

import json

import numpy as np
import pytest
import tensorflow as tf

from keras_deid.config import Config
from keras_deid.errors import UserError
from keras_deid.models.locator import locator
from keras_deid.models.resnet_generator import resnet_generator
from keras_deid.restoring.model import LocalModel
from keras_deid.serving.export import export
from keras_deid.serving.signatures import SIGNATURES

from .conftest import CONFIG, as_strings, decode, encode


def random_pictures(*shape):
    return np.random.default_rng(7).integers(0, 256, (*shape, 3)).astype("uint8")


def located(signatures, pictures):
    return signatures["locate"](image=tf.constant(pictures))["hidden"].numpy()


@pytest.mark.parametrize("size", [(32, 64), (1, 1), (31, 33), (5, 200), (97, 64)])
def test_2_marks_equal_the_keras_model(signatures, locate_alone, size):
    pictures = random_pictures(3, *size)
    expected = locate_alone(pictures)
    marked = located(signatures, pictures)
    assert marked.shape == (3, -(-size[0] // 4), -(-size[1] // 4))
    np.testing.assert_allclose(marked, expected, atol=1e-5)
    contents = tf.constant([encode(picture) for picture in pictures])
    files = signatures["locate_bytes"](image_bytes=contents)["hidden_bytes"].numpy()
    in_files = np.stack([decode(content) for content in files])
    np.testing.assert_allclose(in_files / 65_535, expected, atol=2e-5)
    if min(size) > 30:  # it is not flat
        assert expected.max() - expected.min() > 0.2


def test_2_through_the_c_api(in_child, locate_alone):
    pictures = random_pictures(2, 40, 50)
    files = as_strings(*map(encode, pictures))
    marked, contents, descriptions = in_child(
        ("locate", pictures), ("locate_bytes", files), ("describe", np.int32([5, -1, 0]))
    )
    np.testing.assert_allclose(marked, locate_alone(pictures), atol=1e-5)
    np.testing.assert_allclose([decode(content) / 65_535 for content in contents], marked, atol=2e-5)
    assert [json.loads(text) for text in descriptions] == [{"context": 2.0, "adds_detail": False}] * 3


def test_5_bad_tensors_are_errors_and_never_an_abort(in_child):
    shapes = [(), (3,), (8, 8, 3), (1, 8, 8), (1, 8, 8, 1), (1, 8, 8, 4), (1, 1, 8, 8, 3)]
    shapes += [(1, 70_000, 1, 3), (1, 1, 70_000, 3), (1, 6000, 6000, 3)]
    bad = [("locate", np.zeros(shape, "uint8")) for shape in shapes]
    bad += [("locate", np.zeros((1, 8, 8, 3), "float32")), ("locate_bytes", np.array(b"", object))]
    bad += [("locate_bytes", as_strings(content)) for content in (b"", b"junk", encode(random_pictures(9, 9))[:50])]
    bad += [("locate_bytes", np.full((1, 1), b"", object)), ("describe", np.zeros((), "int32"))]
    bad += [("describe", np.zeros((1, 1), "int32")), ("describe", np.zeros(1, "float32"))]
    *answers, good = in_child(*bad, ("locate", random_pictures(1, 8, 8)))
    assert [type(answer) for answer in answers] == [str] * len(bad)
    assert good.shape == (1, 2, 2)


@pytest.mark.parametrize("shape", [(0, 40, 50), (2, 0, 50), (2, 40, 0), (0, 0, 0)])
def test_6_nothing_is_marked_in_nothing(signatures, shape):
    assert located(signatures, random_pictures(*shape)).shape == (shape[0], -(-shape[1] // 4), -(-shape[2] // 4))


def test_6_no_files_and_no_rows(signatures):
    assert signatures["locate_bytes"](image_bytes=tf.constant([], tf.string))["hidden_bytes"].shape == (0,)
    assert signatures["describe"](row=tf.constant([], tf.int32))["description"].shape == (0,)


def test_6_a_batch_equals_its_pictures_one_at_a_time(signatures):
    pictures = random_pictures(3, 33, 65)
    alone = np.concatenate([located(signatures, picture[None]) for picture in pictures])
    np.testing.assert_allclose(located(signatures, pictures), alone, atol=1e-6)
    files = [encode(pictures[0]), encode(pictures[1][:20]), encode(pictures[2][:, :7])]
    maps = signatures["locate_bytes"](image_bytes=tf.constant(files))["hidden_bytes"].numpy()
    assert [decode(content).shape for content in maps] == [(9, 17), (5, 17), (9, 2)]


@pytest.fixture(scope="module")
def without(tmp_path_factory):
    """A model of the catalogue, exported without a locator."""
    run = tmp_path_factory.mktemp("runs") / "plain"
    run.mkdir()
    changes = {"data": {"image_size": [16, 16], "crop_context": 1.5}, "deidentify": {"method": "catalogue"}}
    Config.model_validate({**CONFIG, **changes}).save(run / "config.yaml")
    resnet_generator((16, 16, 3), **CONFIG["generator"]).save(run / "generator.keras")
    return export(run, tmp_path_factory.mktemp("saved_models") / "plain")


def test_1_without_a_locator_there_is_nothing_to_find_with(without):
    signatures = tf.saved_model.load(str(without)).signatures
    assert set(signatures) == set(SIGNATURES)
    (text,) = signatures["describe"](row=tf.zeros(1, tf.int32))["description"].numpy()
    assert json.loads(text) == {"context": 1.5, "adds_detail": True}
    card = json.loads((without / "model_card.json").read_text())
    assert card["locator"] is None and card["input"].keys() == {"size", *SIGNATURES}


def test_the_card_says_how_regions_are_cut(without, model):
    plain, tiny = LocalModel(without), LocalModel(model)
    assert (plain.context, plain.adds_detail, plain.mark) == (1.5, True, None)
    assert (tiny.context, tiny.adds_detail) == (2.0, False)
    assert tiny.mark(random_pictures(32, 64)).shape == (8, 16)


def test_refuses_a_locator_of_one_size(run, tmp_path):
    (tmp_path / "fixed").mkdir()
    locator((64, 64, 3), filters=4, blocks=0).save(tmp_path / "fixed" / "locator.keras")
    with pytest.raises(UserError, match=r"locator\.keras: does not take pictures of any size"):
        export(run, tmp_path / "tiny", locator=tmp_path / "fixed")
    assert not (tmp_path / "tiny").exists()
