"""Street photographs whose faces tools have hidden."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PIL import Image

from keras_deid.data.images import ImageError
from keras_deid.errors import UserError
from keras_deid.evaluation.faces_found import evaluation_detector
from keras_deid.field.photographs import DetectedFaces, read_photograph
from keras_deid.hiding.kinds import KINDS

QUALITY = 90
"""Of the JPEG files."""


def hide_photos(photos: Sequence[Path], folder: Path, limit: int) -> int:
    """Writes photographs with hidden faces as JPEG, each in the next of `KINDS`.

    Args:
        photos: untouched; those without a face of at least 16 px are left out.
        folder: is made here.
        limit: how many to write at most.

    Returns:
        How many faces are hidden.

    Raises:
        UserError: if no photograph has a face.
    """
    folder.mkdir()
    faces_of = DetectedFaces(evaluation_detector())
    kinds = list(KINDS.values())
    written = hidden = 0
    for photo in photos:
        if written == limit:
            break
        try:
            pixels = read_photograph(photo)
        except ImageError:
            continue
        faces = faces_of.faces(photo.name, pixels)
        if not faces:
            continue
        picture = kinds[written % len(kinds)].hide(pixels, faces).picture
        Image.fromarray(picture).save(folder / f"{written:06d}.jpg", quality=QUALITY)
        written += 1
        hidden += len(faces)
    if not written:
        raise UserError("no photograph has a face of at least 16 px; give photographs of people")
    return hidden
