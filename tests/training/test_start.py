import numpy as np
import pytest

from keras_deid.config import Config
from keras_deid.errors import UserError
from keras_deid.training.networks import build_gan
from keras_deid.training.run_locator import build_locator_training, save_locator
from keras_deid.training.saved_networks import SavedNetworks
from keras_deid.training.start import start_from, start_locator_from


def config(**generator):
    settings = {"filters": 4, "blocks": 1, "reduction": 4, **generator}
    return Config.model_validate(
        {
            "data": {"image_size": [32, 32]},
            "generator": settings,
            "discriminator": {"filters": 4, "layers": 1},
            "training": {"ema": 0.9},
        }
    )


@pytest.fixture
def trained(tmp_path):
    gan = build_gan(config(), 1)
    SavedNetworks(tmp_path, config()).save(gan.restorer, gan.discriminator)
    return tmp_path, gan


def test_all_networks_start_from_those_of_the_run(trained):
    folder, gan = trained
    started = build_gan(config(), 1)
    start_from(started, str(folder))
    for here, there in ((started.generator, gan.restorer), (started.restorer, gan.restorer)):
        for one, other in zip(here.get_weights(), there.get_weights(), strict=True):
            np.testing.assert_array_equal(one, other)
    for one, other in zip(started.discriminator.get_weights(), gan.discriminator.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_other_layers_are_refused(trained):
    with pytest.raises(UserError, match="the generator of .* has other layers than this run's"):
        start_from(build_gan(config(blocks=2), 1), str(trained[0]))


def test_a_run_that_is_not_trained_is_refused(tmp_path):
    with pytest.raises(UserError, match="generator.keras: no such file"):
        start_from(build_gan(config(), 1), str(tmp_path / "nowhere"))


def locating(**locator):
    return Config.model_validate(
        {"locator": {"filters": 4, "blocks": 1, "window": 64, **locator}, "training": {"method": "locate", "ema": 0.9}}
    )


def test_a_locator_and_its_average_start_from_that_of_the_run(tmp_path):
    trained = build_locator_training(locating(), 1)
    save_locator(trained.average, locating(), tmp_path / "locator.keras")
    started = build_locator_training(locating(), 1)
    start_locator_from(started, str(tmp_path))
    for network in (started.locator, started.average):
        for one, other in zip(network.get_weights(), trained.average.get_weights(), strict=True):
            np.testing.assert_array_equal(one, other)


def test_a_locator_with_other_layers_is_refused(tmp_path):
    save_locator(build_locator_training(locating(), 1).average, locating(), tmp_path / "locator.keras")
    with pytest.raises(UserError, match="training.start_from: the locator of .* has other layers than this run's"):
        start_locator_from(build_locator_training(locating(filters=6), 1), str(tmp_path))
