"""What restores photographs whose faces are hidden for a measurement, as `keras-deid restore` would."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from keras_deid.field.photographs import LEAST_FACE, FaceSource
from keras_deid.restoring.model import PictureModel
from keras_deid.restoring.region_sources import RegionSource


@dataclass(frozen=True)
class Subject:
    """What is measured, and the faces that it is measured on.

    Attributes:
        model: restores.
        regions: finds the hidden regions.
        faces: says where the faces are in the untouched photographs.
        kinds: ways to hide faces, keys of `KINDS`.
    """

    model: PictureModel
    regions: RegionSource
    faces: FaceSource
    kinds: Sequence[str]

    @property
    def settings(self) -> dict[str, Any]:
        """What all records have in common: the same settings give the same pictures of a photograph and kind."""
        return {
            "model": self.model.name,
            "model_sha256": self.model.identity,
            **self.regions.settings,
            **self.faces.settings,
            "least_face": LEAST_FACE,
        }
