"""The probes of a face that was hidden: aligned faces, hidden, enlarged, restored, and two controls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from keras_deid.data.faces import Point
from keras_deid.field.baselines import enlarge_blocks
from keras_deid.hiding.kinds import Hidden
from keras_deid.privacy.alignment import aligned
from keras_deid.privacy.embedders import Embedder
from keras_deid.restoring.found import Region
from keras_deid.restoring.model import PictureModel
from keras_deid.restoring.repair import restore_regions

SOURCES = ("hidden", "bicubic", "restored", "flat", "stranger")
"""What is compared with the gallery. `flat` has grey in place of the hidden pixels, `stranger` another person's
restored face: both show the surroundings and nothing of the hidden pixels."""
_GREY = 128


def restore_hidden(model: PictureModel, hidden: Hidden) -> np.ndarray:
    """Restores the hidden pixels, and no others: the region is told, not found."""
    regions = [Region(box, opacity=hidden.mask[box[1] : box[3], box[0] : box[2]]) for box in hidden.regions]
    return restore_regions(model, [hidden.picture], [regions])[0]


def probe_faces(
    embedder: Embedder, hidden: Hidden, restored: np.ndarray, landmarks: Sequence[Point], stranger: np.ndarray
) -> Mapping[str, np.ndarray]:
    """Cuts the face out of the pictures that are compared with the gallery.

    All are aligned by the landmarks of the original face: whoever tries to recognise somebody can mark these by hand.

    Args:
        embedder: says how faces are aligned.
        hidden: a photograph with one hidden face.
        restored: the same restored, of the shape of `hidden.picture`.
        landmarks: of the face, in pixels of `hidden.picture`.
        stranger: another person's face hidden in this kind and restored, aligned: uint8 `(side, side, 3)`.

    Returns:
        By `SOURCES`, uint8 `(side, side, 3)`; without `bicubic`, where there are no blocks.
    """

    def cut(picture: np.ndarray) -> np.ndarray:
        return aligned(picture, landmarks, embedder.template, embedder.side)

    before = cut(hidden.picture)
    faces = {"hidden": before, "restored": cut(restored)}
    if any(grid is not None for grid in hidden.grids):
        faces["bicubic"] = cut(enlarge_blocks(hidden))
    opacity = cut(hidden.mask)[..., None]
    for source, inside in (("flat", np.full_like(before, _GREY)), ("stranger", stranger)):
        faces[source] = np.round(before + opacity * (inside.astype(np.float32) - before)).astype(np.uint8)
    return faces
