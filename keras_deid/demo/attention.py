"""Grad-CAM over one region: where the chain of G and D looked at the crop that the restorer saw."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from keras_deid.explain.chain import Chain
from keras_deid.explain.maps import Explainer, enlarge
from keras_deid.explain.targets import PatchView, Target
from keras_deid.models.pixels import to_signed
from keras_deid.report.overlay import overlay, relative_to_flat

_TOP_PERCENTILE = 99.5
"""Part of all values, in percent, that is below the brightest colour: single peaks do not darken the rest."""


@dataclass(frozen=True)
class RegionAttention:
    """The maps of one region.

    Attributes:
        overlays: by layer, the map over the grey crop, uint8 `(height, width, 3)`, all on one scale.
        top: where the scale ends, in multiples of what a flat map has everywhere; at least 1.
        zero: the layers whose map is zero everywhere: nothing there speaks for the verdict.
    """

    overlays: dict[str, np.ndarray]
    top: float
    zero: tuple[str, ...]


class Attention:
    """Takes the maps of regions, at all layers at once.

    Args:
        explained: the chain of G and D.
        target: the score that is explained.

    Raises:
        UserError: if it is not known what a patch of D sees.
    """

    def __init__(self, explained: Chain, target: Target) -> None:
        self.layers = explained.layers
        self.places = explained.places
        self.target = target
        self._view = PatchView.of(explained.discriminator)
        self._patches = explained.model.output_shape[1:3]
        self._explainer = Explainer(explained.model, explained.layers)

    def look(self, crop: np.ndarray, inside: np.ndarray) -> RegionAttention:
        """Explains the verdict on a crop.

        Args:
            crop: uint8 `(height, width, 3)`, RGB, as the restorer saw it.
            inside: `(height, width)`, not 0 in the region.
        """
        weights = self.target.patch_weights(inside[None], self._view, *self._patches)
        maps = self._explainer(to_signed(crop[None].astype(np.float32)), weights)
        relative = {layer: relative_to_flat(enlarge(found, crop.shape[:2])[0]) for layer, found in maps.items()}
        top = max(float(np.percentile(np.stack(list(relative.values())), _TOP_PERCENTILE)), 1.0)
        overlays = {layer: overlay(crop, values, top) for layer, values in relative.items()}
        return RegionAttention(overlays, top, tuple(layer for layer, values in relative.items() if not values.any()))
