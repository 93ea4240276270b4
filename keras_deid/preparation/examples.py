"""The examples of one photograph."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from keras_deid.boxes import Box, Rectangle, area, box_to_crop, intersection, square_around
from keras_deid.config import PrepareConfig
from keras_deid.data.crops import Square, cut_square, square_about
from keras_deid.data.faces import FaceDetector
from keras_deid.data.images import ImageError, read_image, read_mask, resize_image
from keras_deid.preparation.photographs import Photograph

PERSON_ON_FACE = 0.5
"""Fraction of the face box that a person mask must cover to belong to that face."""


class NoExample(Exception):
    """A photograph gives no example; the message is the reason."""


@dataclass(frozen=True)
class Picture:
    """An example before it is encoded.

    Attributes:
        image: uint8 array `(height, width, 3)`, RGB.
        boxes: the faces in it, in its pixels, the main one first.
        person: uint8 array `(height, width)`, 1 on the person with the main face; `None` if not known.
    """

    image: np.ndarray
    boxes: tuple[Box, ...]
    person: np.ndarray | None


def pictures_of(settings: PrepareConfig, photograph: Photograph, detector: FaceDetector | None) -> list[Picture]:
    """Makes the examples of one photograph.

    Args:
        settings: of the preparation.
        photograph: the photograph.
        detector: finds the faces; not needed if the photograph has its boxes.

    Returns:
        One picture for each face that is wide enough, or one picture of the whole photograph.

    Raises:
        ImageError: if the photograph cannot be read.
        NoExample: if it has no face that is wide enough, or its mask cannot be used.
    """
    image = read_image(photograph.path)
    person = _read_person(photograph.mask, image) if photograph.mask else None
    faces = _listed_faces(photograph.boxes) if photograph.boxes is not None else _detected_faces(detector, image)
    wide = [box for box in faces if box[2] - box[0] >= settings.min_face]
    if not wide:
        widest = max(box[2] - box[0] for box in faces)
        raise NoExample(f"face too small ({widest:.0f} pixels wide; min_face is {settings.min_face:g})")
    if settings.region == "photo":
        return [_whole_photo(settings, image, person, faces)]
    return [
        _crop(settings, image, person, f"{photograph.name}#{number}", faces, box) for number, box in enumerate(wide)
    ]


def _read_person(mask: Path, image: np.ndarray) -> np.ndarray:
    try:
        person = read_mask(mask)
    except ImageError as error:
        raise NoExample(f"person mask cannot be used ({error.reason})") from error
    if person.shape != image.shape[:2]:
        sizes = [f"{size[1]} x {size[0]}" for size in (person.shape, image.shape)]
        raise NoExample(f"person mask does not fit ({sizes[0]} pixels; the photograph {sizes[1]})")
    return person


def _listed_faces(boxes: tuple[Box, ...]) -> list[Box]:
    if not boxes:
        raise NoExample("no face listed")
    return sorted(boxes, key=lambda box: (-area(box), box))


def _detected_faces(detector: FaceDetector | None, image: np.ndarray) -> list[Box]:
    if detector is None:
        raise ValueError("Expected a detector for a photograph whose boxes are not given.")
    faces = [face.box for face in detector.detect(image) if area(face.box) > 0]
    if not faces:
        raise NoExample("no face found")
    return faces


def _crop(
    settings: PrepareConfig, image: np.ndarray, person: np.ndarray | None, name: str, faces: list[Box], face: Box
) -> Picture:
    square = _square(settings, image.shape[:2], name, face)
    others = [other for other in faces if other != face and area(intersection(other, square.edges)) > 0]
    side = settings.size if settings.enlarge else min(settings.size, square.side)
    return _picture(
        lambda pixels: cut_square(pixels, square, side), image, person, square.edges, (side, side), [face, *others]
    )


def _square(settings: PrepareConfig, image_size: tuple[int, int], name: str, face: Box) -> Square:
    """Returns the square to cut out: inside the photograph, unless the face is longer than its shorter side."""
    if max(face[2] - face[0], face[3] - face[1]) > min(image_size):
        return square_about(face, 1.0)
    left, top, right, _ = square_around(face, settings.context, image_size, _shift(name, settings.off_centre))
    return Square(left, top, right - left)


def _shift(name: str, off_centre: float) -> tuple[float, float]:
    """Draws how far a crop is moved, to the right and down, each in [-off_centre, off_centre], by its name."""
    digest = hashlib.blake2b(name.encode("utf-8", "surrogateescape"), digest_size=16).digest()
    right, down = (int.from_bytes(half, "big") / 2**63 - 1 for half in (digest[:8], digest[8:]))
    return off_centre * right, off_centre * down


def _whole_photo(settings: PrepareConfig, image: np.ndarray, person: np.ndarray | None, faces: list[Box]) -> Picture:
    height, width = image.shape[:2]
    scale = settings.size / min(height, width)
    scale = scale if settings.enlarge else min(scale, 1.0)
    size = (round(height * scale), round(width * scale))
    return _picture(lambda pixels: resize_image(pixels, size), image, person, (0, 0, width, height), size, faces)


def _picture(
    cut: Callable[[np.ndarray], np.ndarray],
    image: np.ndarray,
    person: np.ndarray | None,
    crop: Rectangle,
    size: tuple[int, int],
    faces: list[Box],
) -> Picture:
    if person is not None:
        covered = _covers(person, faces[0])
        person = (cut(person.astype(np.float32)) >= 0.5).astype(np.uint8) if covered else None
    return Picture(cut(image), tuple(box_to_crop(face, crop, size) for face in faces), person)


def _covers(person: np.ndarray, face: Box) -> bool:
    """Whether the mask belongs to the person with this face: not every person in a photograph has a mask."""
    x0, y0, x1, y1 = math.floor(face[0]), math.floor(face[1]), math.ceil(face[2]), math.ceil(face[3])
    return bool(person[y0:y1, x0:x1].mean() >= PERSON_ON_FACE)
