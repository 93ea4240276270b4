"""Batches that a restorer learns from: crops of photographs whose faces are hidden by draws from the catalogue.

A face is hidden at the photograph's own resolution, before anything is cut or resized: just as `restore` meets it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple

import cv2
import numpy as np
import tensorflow as tf

from keras_deid.boxes import Box, box_to_crop, scale_edges
from keras_deid.data.crops import Square, cut_square, square_about
from keras_deid.data.flat import fill_flat
from keras_deid.data.images import resize_image
from keras_deid.data.photograph_batches import photograph_batches
from keras_deid.data.photographs import Photograph, Photographs
from keras_deid.data.step_plan import ALL_ROWS
from keras_deid.hiding.afterwards import shrunk
from keras_deid.hiding.hiding import hide
from keras_deid.hiding.mixture import draw
from keras_deid.hiding.shapes import opacity


class Crop(NamedTuple):
    """What a restorer learns from.

    Attributes:
        hidden: x, uint8 `(size, size, 3)`.
        original: y, alike.
        mask: float32 `(size, size, 1)`, how much of each pixel is hidden.
        face: the face's box, pixels of the crop.
    """

    hidden: np.ndarray
    original: np.ndarray
    mask: np.ndarray
    face: Box


_SMALLEST_FACE = 28.0
"""Width that a face keeps when its photograph is shrunk before it is hidden, in pixels."""
LARGE = 110.0
"""Faces wider than this many pixels are large: they are seen at many sizes."""
_DETAIL = 0.2
"""How often a face is seen in detail, if it is wide enough."""
_DETAIL_WIDTHS = (0.6, 3.6)
"""Width of a face that is seen in detail, in sides of the crop."""
_SOFTER = (1.7, 3.0)
"""How much smaller a detail was before it was enlarged: twice and more, because restored faces are soft."""
_REACH = 1.0
"""How far around a face crops reach, in its longer sides."""
_UNSURE = 0.05
"""How far a locator's region is off on each side, as a fraction of the region's width and height."""


def restorer_crop(
    photograph: Photograph, size: int, context: float, rng: np.random.Generator, weights: Mapping[str, float]
) -> Crop:
    """Makes one training example.

    Args:
        photograph: with its faces; the first one is hidden.
        size: side of the crop, in pixels.
        context: side of the crop before it is resized, relative to the hidden region.
        rng: the example depends on it alone.
        weights: how often each method is drawn, see `keras_deid.hiding.mixture`.
    """
    pixels, face = photograph.pixels, first_face(photograph)
    mirrored = rng.random() < 0.5
    if face[2] - face[0] > _DETAIL_WIDTHS[0] * size and rng.random() < _DETAIL:
        crop = _detail(pixels, face, size, rng)
    else:
        crop = hidden_crop(*_at_some_size(*_near(pixels, face), rng), size, context, rng, weights)
    return _mirrored(crop) if mirrored else crop


def hidden_crop(
    pixels: np.ndarray,
    face: Box,
    size: int,
    context: float,
    rng: np.random.Generator,
    weights: Mapping[str, float],
) -> Crop:
    """Hides a face at the size that the photograph has, and cuts it out; the arguments are those of `restorer_crop`."""
    drawn = draw(face, pixels.shape[:2], rng, weights)
    hidden, mask = hide(pixels, drawn.region, drawn.hiding)
    hidden = drawn.afterwards.apply(hidden, rng)
    original, mask = shrunk(pixels, drawn.afterwards.shrink), shrunk(mask, drawn.afterwards.shrink)
    square = square_about(_located(mask, rng), context)
    inside = np.clip(cut_square(mask, square, size), 0.0, 1.0)[..., None]  # cubic interpolation goes beyond
    moved = box_to_crop(scale_edges(face, drawn.afterwards.shrink), square.edges, (size, size))
    seen = fill_flat(cut_square(hidden, square, size), inside[..., 0])
    return Crop(seen, cut_square(original, square, size), inside, moved)


def restorer_batches(
    photographs: Photographs,
    *,
    size: int,
    context: float,
    weights: Mapping[str, float],
    batch_size: int,
    seed: int,
    start_step: int = 0,
    rows: slice = ALL_ROWS,
) -> tf.data.Dataset:
    """Returns the batches of a training run from `start_step` on, without end.

    Args:
        photographs: from `with_repeats`.
        size: side of the crops, in pixels.
        context: see `restorer_crop`.
        weights: see `restorer_crop`.
        batch_size: crops in a batch.
        seed: of all that is drawn.
        start_step: first step, counted over all epochs.
        rows: the part of each batch that is made.

    Returns:
        data set of (x, y, mask): uint8 `(batch, size, size, 3)` twice, float32 `(batch, size, size, 1)`.
    """
    return photograph_batches(
        photographs,
        lambda photograph, rng: restorer_crop(photograph, size, context, rng, weights)[:3],
        [(size, size, channels) for channels in (3, 3, 1)],
        (np.uint8, np.uint8, np.float32),
        batch_size=batch_size,
        seed=seed,
        start_step=start_step,
        rows=rows,
    )


def first_face(photograph: Photograph) -> Box:
    """Returns the face that a photograph is about."""
    x0, y0, x1, y1 = (float(edge) for edge in photograph.faces[0])
    return (x0, y0, x1, y1)


def _mirrored(crop: Crop) -> Crop:
    x0, y0, x1, y1 = crop.face
    width = crop.hidden.shape[1]
    hidden, original, mask = (np.ascontiguousarray(picture[:, ::-1]) for picture in crop[:3])
    return Crop(hidden, original, mask, (width - x1, y0, width - x0, y1))


def _near(pixels: np.ndarray, face: Box) -> tuple[np.ndarray, Box]:
    """Cuts off what no crop around the face reaches."""
    reach = _REACH * max(face[2] - face[0], face[3] - face[1])
    height, width = pixels.shape[:2]
    left, top = max(math.floor(face[0] - reach), 0), max(math.floor(face[1] - reach), 0)
    right, bottom = min(math.ceil(face[2] + reach), width), min(math.ceil(face[3] + reach), height)
    x0, y0, x1, y1 = face
    return pixels[top:bottom, left:right], (x0 - left, y0 - top, x1 - left, y1 - top)


def _at_some_size(pixels: np.ndarray, face: Box, rng: np.random.Generator) -> tuple[np.ndarray, Box]:
    """Shrinks the photograph before the face is hidden: always where the face is large, else now and then."""
    width = face[2] - face[0]
    if width <= _SMALLEST_FACE or (width <= LARGE and rng.random() < 0.65):
        return pixels, face
    lowest = math.log(max(_SMALLEST_FACE / width, 0.45 if width <= LARGE else 0.0))
    return _resized(pixels, face, math.exp(rng.uniform(lowest, 0.0)))


def _resized(pixels: np.ndarray, face: Box, factor: float) -> tuple[np.ndarray, Box]:
    height, width = (max(round(side * factor), 1) for side in pixels.shape[:2])
    return resize_image(pixels, (height, width)), scale_edges(face, factor)


def _located(mask: np.ndarray, rng: np.random.Generator) -> Box:
    """Returns the region's box as a locator finds it: a little off."""
    rows, columns = np.flatnonzero(mask.max(axis=1) > 0.5), np.flatnonzero(mask.max(axis=0) > 0.5)
    if not len(rows):
        rows, columns = np.flatnonzero(mask.max(axis=1) > 0), np.flatnonzero(mask.max(axis=0) > 0)
    x0, y0, x1, y1 = columns[0], rows[0], columns[-1] + 1, rows[-1] + 1
    left, right = rng.uniform(-_UNSURE, _UNSURE, 2) * (x1 - x0)
    top, bottom = rng.uniform(-_UNSURE, _UNSURE, 2) * (y1 - y0)
    return (x0 + left, y0 + top, x1 + right, y1 + bottom)


def _detail(pixels: np.ndarray, face: Box, size: int, rng: np.random.Generator) -> Crop:
    """Shows a part of a face that lacks the finest detail, as a restored face does that was enlarged twice."""
    width = face[2] - face[0]
    lowest, highest = (limit * size / width for limit in _DETAIL_WIDTHS)
    factor = min(math.exp(rng.uniform(math.log(lowest), math.log(max(highest, lowest)))), 1.0)
    x0, y0, x1, y1 = face
    side = round(size / factor)
    centre_x, centre_y = rng.uniform(x0, x1), rng.uniform(y0 - 0.1 * (y1 - y0), y1)
    square = Square(round(centre_x - side / 2), round(centre_y - side / 2), side)
    original = cut_square(pixels, square, size)
    shrink = rng.uniform(*_SOFTER)
    blurred = resize_image(original, (round(size / shrink), round(size / shrink)))
    blurred = cv2.resize(blurred, (size, size), interpolation=cv2.INTER_CUBIC)
    mask = _patch(size, rng)
    hidden = np.round(original + mask * (blurred.astype(np.float32) - original)).astype(np.uint8)
    return Crop(hidden, original, mask, box_to_crop(face, square.edges, (size, size)))


def _patch(size: int, rng: np.random.Generator) -> np.ndarray:
    """Draws which part of a detail was restored: all of it, or what a region's edge cuts off."""
    if rng.random() < 0.5:
        return np.ones((size, size, 1), np.float32)
    height, width = (int(side) for side in rng.integers(size // 2, 2 * size, 2))
    left, top = int(rng.integers(-width // 2, size - width // 2)), int(rng.integers(-height // 2, size - height // 2))
    shape = opacity((height, width), "ellipse" if rng.random() < 0.5 else "rectangle")
    patch = cut_square(np.pad(shape, size), Square(size - left, size - top, size), size)
    return patch[..., None]
