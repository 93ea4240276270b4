"""The trained networks of a run, as other commands load them."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path

import keras

# Importing the layers registers them with Keras, which loading a model needs.
import keras_deid.models.patch_discriminator
import keras_deid.models.resnet_generator  # noqa: F401
from keras_deid.errors import UserError
from keras_deid.shipped import find_run

if keras.backend.backend() == "tensorflow":  # the only module imported here that does not run on every backend
    import keras_deid.models.latent_search  # noqa: F401


def load_generator(run: str | os.PathLike[str]) -> keras.Model:
    """Loads the generator of a run.

    Args:
        run: folder with `generator.keras`; or the name of a run that comes with the package, such as `"street64_any"`.

    Returns:
        the model, not compiled. It maps float pictures `(batch, height, width, 3)` in [-1, 1] to pictures of the same
        form; `keras_deid.models.pixels` converts from and to uint8.

    Raises:
        UserError: if the file is missing, cannot be loaded, or is not a model that maps pictures to pictures.

    Example:
        >>> import keras_deid
        >>> generator = keras_deid.load_generator("street64_any")
        >>> generator.input_shape
        (None, 64, 64, 3)
    """
    path = find_run(run) / "generator.keras"
    generator = _load(path)
    for end, shape in (("input", generator.input_shape), ("output", generator.output_shape)):
        if not isinstance(shape, tuple) or len(shape) != 4 or shape[-1] != 3:
            raise UserError(f"{path}: expected a generator of pictures (batch, height, width, 3), its {end} is {shape}")
    return generator


def load_discriminator(run: Path) -> keras.Model:
    """Loads the discriminator of a run.

    Args:
        run: folder with `discriminator.keras`.

    Returns:
        the model, not compiled: 3 channels in, or 6 for the conditional form.

    Raises:
        UserError: if the file is missing, cannot be loaded, or is not a model that maps pictures to patch logits.
    """
    path = run / "discriminator.keras"
    discriminator = _load(path)
    for end, shape, channels in (
        ("input", discriminator.input_shape, (3, 6)),
        ("output", discriminator.output_shape, (1,)),
    ):
        if not isinstance(shape, tuple) or len(shape) != 4 or shape[-1] not in channels:
            raise UserError(f"{path}: expected a discriminator, pictures in and patch logits out; its {end} is {shape}")
    return discriminator


def load_locator(run: str | os.PathLike[str]) -> keras.Model:
    """Loads the locator of a run.

    Args:
        run: folder with `locator.keras`; or the name of a run that comes with the package, such as `"locator"`.

    Returns:
        the model, not compiled: signed pictures -> logits at a quarter of the size, see `keras_deid.models.locator`.

    Raises:
        UserError: if the file is missing, cannot be loaded, or is not such a model.
    """
    path = find_run(run) / "locator.keras"
    locator = _load(path)
    ends = locator.input_shape, locator.output_shape
    if any(not isinstance(shape, tuple) or len(shape) != 4 for shape in ends) or (ends[0][3], ends[1][3]) != (3, 1):
        raise UserError(
            f"{path}: expected a locator, pictures in and one map out; its ends are {ends[0]} and {ends[1]}"
        )
    return locator


def _load(path: Path) -> keras.Model:
    if not path.is_file():
        raise UserError(f"{path}: no such file; train the run first, or give the folder of one that is trained")
    try:
        return keras.saving.load_model(path, compile=False, safe_mode=True)
    except (OSError, ValueError, TypeError, KeyError, zipfile.BadZipFile) as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise UserError(f"{path}: cannot be loaded as a Keras model: {reason}") from error
