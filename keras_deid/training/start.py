"""Starting a run from the networks of another one."""

from __future__ import annotations

from pathlib import Path

import keras

from keras_deid.errors import UserError
from keras_deid.models.saved import load_discriminator, load_generator, load_locator
from keras_deid.shipped import find_run
from keras_deid.training.gan import RestoringGAN
from keras_deid.training.locating import LocatorTraining


def start_from(gan: RestoringGAN, run: str) -> None:
    """Gives G, what restores, and D the weights of another run.

    Args:
        gan: built; its networks have the layers of that run's.
        run: folder of a trained run, or the name of one that comes with the package.

    Raises:
        UserError: if the run is not trained, or its networks have other layers.
    """
    folder = Path(find_run(run))
    for network, source in (
        (gan.generator, load_generator(folder)),
        (gan.restorer, load_generator(folder)),
        (gan.discriminator, load_discriminator(folder)),
    ):
        _copy(network, source, folder)


def start_locator_from(model: LocatorTraining, run: str) -> None:
    """Gives a locator and its average the weights of another run.

    Args:
        model: built; its locator has the layers of that run's.
        run: folder of a trained run, or the name of one that comes with the package.

    Raises:
        UserError: if the run is not trained, or its locator has other layers.
    """
    folder = Path(find_run(run))
    source = load_locator(folder)
    for network in (model.locator, model.average):
        _copy(network, source, folder)


def _copy(network: keras.Model, source: keras.Model, folder: Path) -> None:
    there, here = ([tuple(weight.shape) for weight in model.weights] for model in (source, network))
    if there != here:
        raise UserError(
            f"training.start_from: the {network.name} of {folder} has other layers than this run's; "
            "give both runs the same settings of their networks"
        )
    network.set_weights(source.get_weights())
