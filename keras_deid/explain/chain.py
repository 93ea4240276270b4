"""G and D chained to one network, from the de-identified picture to D's verdict, and the layers that are looked at."""

from __future__ import annotations

import re
from dataclasses import dataclass

import keras

from keras_deid.errors import UserError
from keras_deid.layers.cbam import CBAM

CBAM_MODULES = "CBAM modules"
CBAM_IN_BRANCHES = "CBAM modules in its residual branches"
BLOCK_ENDS = "ends of its residual blocks"
BRANCH_ENDS = "ends of its residual branches"
STAGE_ENDS = "ends of its decoder's stages"


@dataclass(frozen=True)
class Chain:
    """A generator and its discriminator as one network.

    Attributes:
        model: float `(batch, height, width, 3)` in [-1, 1] -> patch logits `(batch, rows, columns, 1)`.
        generator: its first part; the two share layers and weights.
        discriminator: its second part.
        layers: names of the layers that maps are taken at, from the input on.
        places: what these layers are: one of this module's constants.
    """

    model: keras.Model
    generator: keras.Model
    discriminator: keras.Model
    layers: tuple[str, ...]
    places: str

    @property
    def has_attention(self) -> bool:
        """Whether the layers are CBAM modules."""
        return self.places in (CBAM_MODULES, CBAM_IN_BRANCHES)


def chain(generator: keras.Model, discriminator: keras.Model, beside: Chain | None = None) -> Chain:
    """Puts D behind G: the paper's way to a score that Grad-CAM can start from.

    G's layers are layers of the chained model, not hidden inside another one. A conditional D sees the de-identified
    picture together with G's output, as in training. Nothing is copied: the model shares its weights with both.

    Args:
        generator: float `(batch, height, width, 3)` in [-1, 1] -> the same.
        discriminator: 3 channels in, or 6 for the conditional form -> patch logits.
        beside: the network with CBAM that this one is compared with: maps are taken where that one has its modules.

    Raises:
        UserError: if G has no layer to take maps at (see `explained_layers`), or D does not fit G.
    """
    layers, places = explained_layers(generator, None if beside is None else beside.places)
    restored = generator.output
    seen = restored
    if discriminator.input_shape[-1] == 6:
        seen = keras.layers.Concatenate(name="pair", dtype="float32")([generator.input, restored])
    expected, given = discriminator.input_shape[1:3], tuple(seen.shape[1:3])
    if any(None not in (a, b) and a != b for a, b in zip(expected, given, strict=True)):
        raise UserError(f"the discriminator takes pictures of {expected}, the generator gives {given}: of another run?")
    model = keras.Model(generator.input, discriminator(seen), name="generator_then_discriminator")
    return Chain(model, generator, discriminator, layers, places)


def explained_layers(generator: keras.Model, beside: str | None = None) -> tuple[tuple[str, ...], str]:
    """Names the layers of G that maps are taken at, from the input on, and says what they are.

    Args:
        generator: the network.
        beside: what the layers are of a network with CBAM that it is compared with.

    Returns:
        the names of its CBAM modules; of a ResNet generator without any, where such modules would be: at the sums that
        end its blocks or, beside `CBAM_IN_BRANCHES`, at what its branches add to them; of a U-Net, the outputs of its
        decoder's stages, `up_1`, `up_2`, ...

    Raises:
        UserError: if it has none of these, as a generator that draws pictures from random numbers.
    """
    modules = tuple(layer.name for layer in generator.layers if isinstance(layer, CBAM))
    sums = [layer for layer in generator.layers if layer.name.startswith("block_") and _is_sum(layer)]
    branches = tuple(added._keras_history.operation.name for _, added in (layer.input for layer in sums))
    ends = (branches, BRANCH_ENDS) if beside == CBAM_IN_BRANCHES else (tuple(layer.name for layer in sums), BLOCK_ENDS)
    for layers, places in (
        (modules, CBAM_IN_BRANCHES if modules == branches else CBAM_MODULES),
        ends,
        (tuple(layer.name for layer in generator.layers if re.fullmatch(r"up_\d+", layer.name)), STAGE_ENDS),
    ):
        if layers:
            return layers, places
    raise UserError(
        f"the generator ({generator.name}) has no CBAM, no residual blocks and no decoder stages: there is no layer to "
        "take maps at"
    )


def _is_sum(layer: keras.layers.Layer) -> bool:
    return isinstance(layer, keras.layers.Add)
