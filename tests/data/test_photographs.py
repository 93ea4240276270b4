import numpy as np
import pytest

from keras_deid.config import Config
from keras_deid.data.catalogue_batches import catalogue_batches, load_catalogue_pictures
from keras_deid.data.catalogue_examples import catalogue_examples
from keras_deid.data.evaluation_examples import evaluation_examples
from keras_deid.data.photographs import DRAWN_SCALE, load_photographs
from keras_deid.errors import UserError

from .conftest import assert_equal, take


def drawn(**sections):
    data = {"image_size": [32, 32], "synthetic": {"train": 4, "val": 3, "test": 2}}
    return Config.model_validate({"deidentify": {"method": "catalogue"}, "data": data, **sections})


def test_drawn_scenes_are_photographs_of_twice_the_size():
    photographs = load_photographs(drawn().data)
    assert [photograph.path for photograph in photographs] == [f"synthetic/train/{number:06d}" for number in range(4)]
    for photograph in photographs:
        side = DRAWN_SCALE * 32
        assert photograph.pixels.shape == (side, side, 3) and photograph.pixels.dtype == np.uint8
        assert photograph.faces.shape == (1, 4) and photograph.faces.max() <= side


@pytest.mark.parametrize("source", ["folders", "side_by_side", "unpaired_folders"])
def test_pairs_are_no_photographs(tmp_path, source):
    config = drawn(data={"source": source, "path": str(tmp_path)})
    with pytest.raises(UserError) as raised:
        load_photographs(config.data)
    assert str(raised.value) == f"data.source={source}: expected photographs (prepared or synthetic)"


def test_examples_of_the_catalogue_are_the_same_every_time():
    config = drawn()
    first, again = (list(catalogue_examples(config.data, config.deidentify, "val")) for _ in range(2))
    assert [example.path for example in first] == [f"synthetic/val/{number:06d}" for number in range(3)]
    for one, other in zip(first, again, strict=True):
        np.testing.assert_array_equal(one.picture, other.picture)
        np.testing.assert_array_equal(one.boxes, other.boxes)
        assert one.picture.shape == (32, 32, 7) and one.picture.dtype == np.uint8 and not one.has_person
        assert set(np.unique(one.picture[..., 6])) == {0, 1}
        inside = one.picture[..., 6] == 1
        assert (one.picture[inside][:, :3] != one.picture[inside][:, 3:6]).any()


def test_evaluation_takes_them_as_pairs():
    config = drawn()
    (batch,) = evaluation_examples(config.data, config.deidentify, "val", 8)
    examples = list(catalogue_examples(config.data, config.deidentify, "val"))
    np.testing.assert_array_equal(batch["x"], np.stack([example.picture[..., :3] for example in examples]))
    np.testing.assert_array_equal(batch["y"], np.stack([example.picture[..., 3:6] for example in examples]))
    np.testing.assert_array_equal(batch["mask"][..., 0], np.stack([example.picture[..., 6] for example in examples]))
    np.testing.assert_array_equal(batch["box"], np.concatenate([example.boxes for example in examples]))


def test_the_configured_weights_reach_batches_and_examples():
    config = drawn(deidentify={"method": "catalogue", "weights": {"solid": 1}})
    pictures = load_catalogue_pictures(config.data)
    how = {"batch_size": 2, "seed": 0}
    first = take(catalogue_batches(pictures, config.data, config.deidentify, **how), 3)
    assert_equal(first, take(catalogue_batches(pictures, config.data, config.deidentify, **how), 3))
    assert_equal(first[1:], take(catalogue_batches(pictures, config.data, config.deidentify, start_step=1, **how), 2))
    # A region of one colour is filled smoothly from around it: neighbouring pixels are nearly alike.
    for x, _, mask in first:
        for picture, inside in zip(x, mask[..., 0] == 1, strict=True):
            assert steepness(picture, inside) < 4
    for example in catalogue_examples(config.data, config.deidentify, "test"):
        hidden, original, inside = example.picture[..., :3], example.picture[..., 3:6], example.picture[..., 6] == 1
        assert steepness(hidden, inside) < steepness(original, inside) / 4


def steepness(picture, inside):
    """Mean difference of neighbouring pixels inside, in levels."""
    steps = np.abs(np.diff(picture.astype(int), axis=1))
    return steps[inside[:, 1:] & inside[:, :-1]].mean()
