import keras
import numpy as np
import pytest

from keras_deid.errors import UserError
from keras_deid.models.patch_discriminator import patch_discriminator
from keras_deid.models.resnet_generator import resnet_generator
from keras_deid.models.saved import load_discriminator, load_generator


@pytest.fixture
def run(tmp_path):
    resnet_generator((16, 16, 3), filters=4, blocks=1, reduction=4).save(tmp_path / "generator.keras")
    patch_discriminator((16, 16, 6), filters=4, layers=1).save(tmp_path / "discriminator.keras")
    return tmp_path


def test_both_networks_come_back(run):
    generator, discriminator = load_generator(run), load_discriminator(run)
    picture = np.zeros((1, 16, 16, 3), "float32")
    assert generator(picture).shape == (1, 16, 16, 3)
    assert discriminator(np.concatenate([picture, picture], axis=-1)).shape[-1] == 1


@pytest.mark.parametrize(("load", "name"), [(load_generator, "generator"), (load_discriminator, "discriminator")])
def test_missing_broken_and_other_files(run, load, name):
    path = run / f"{name}.keras"
    vector = keras.Input((7,))
    keras.Model(vector, keras.layers.Dense(1)(vector)).save(path)
    with pytest.raises(UserError, match=f"expected a {name}"):
        load(run)
    path.write_bytes(b"PK not a model")
    with pytest.raises(UserError, match="cannot be loaded as a Keras model"):
        load(run)
    path.unlink()
    with pytest.raises(UserError, match="no such file; train the run first"):
        load(run)
