"""Batches that a locator learns from: windows of photographs in which faces are hidden, or not."""

from __future__ import annotations

import math

import cv2
import numpy as np
import tensorflow as tf

from keras_deid.boxes import Box
from keras_deid.data.crowds import crowded
from keras_deid.data.images import resize_image
from keras_deid.data.photograph_batches import photograph_batches
from keras_deid.data.photographs import Photograph, Photographs
from keras_deid.data.step_plan import ALL_ROWS
from keras_deid.hiding.afterwards import Afterwards
from keras_deid.hiding.hiding import hide
from keras_deid.hiding.lookalikes import LOOKALIKES, PANELS
from keras_deid.hiding.mixture import draw

_CLEAN = 0.35
"""How often nothing is hidden."""
_LOOKALIKE = 0.4
"""How often the photograph gets something that looks hidden and is not."""
_CROWDED = 0.25
"""How often the person gets company."""
_ELSEWHERE = 0.12
"""How often something other than a face is hidden, too."""
_LEFT_OPEN = 0.15
"""How often a face in a photograph with hidden faces stays visible."""
_FACE_WIDTHS = (11.0, 280.0)
"""Range of the first face's width in the window, in pixels; larger ones are found in a smaller picture."""
_SCALES = (0.25, 1.75)
"""Range of the factor by which a photograph is resized for that."""
_SHRUNK = 0.35
"""How often the photograph is shrunk after its faces were hidden."""
_LEAST_SHRUNK = 0.45
"""Least factor of that."""
_LARGER, _SMALLER = (0.35, 1.0, 1.75), (0.15, 0.5, 1.0)
"""How often the photograph is looked at larger, or smaller, than it was published; by which factors."""
_MARGIN = 64
"""Pixels around a window in which regions are hidden as well, so that its edge cuts them."""
_TEXTURES = {"mean": 0.35, "sample": 0.15, "shrink": 0.3, "gaussian": 0.1, "box_blur": 0.1}
"""How things other than faces are hidden; a plain rectangle elsewhere is a sign."""


def locator_window(photograph: Photograph, size: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Makes one training example.

    Args:
        photograph: with its faces.
        size: side of the window, in pixels.
        rng: the example depends on it alone.

    Returns:
        The window, uint8 `(size, size, 3)`; how much of each pixel is hidden, float32 `(size, size, 1)`.
    """
    shrink = float(rng.uniform(_LEAST_SHRUNK, 1.0)) if rng.random() < _SHRUNK else 1.0
    look = _draw_look(rng)
    whole = size + 2 * _MARGIN
    pixels, faces = _surroundings(photograph, round(whole / shrink / look), shrink * look, rng)
    if rng.random() < _CROWDED:
        pixels, faces = crowded(pixels, faces, rng)
    if rng.random() < _LOOKALIKE:
        pixels = _with_lookalike(pixels, faces, rng)
    hidden: np.ndarray = np.zeros(pixels.shape[:2], np.float32)
    afterwards = Afterwards()
    if rng.random() >= _CLEAN:
        state = rng.integers(2**31)  # the faces of a photograph are hidden alike
        for number, face in enumerate(faces):
            alike = np.random.default_rng(state)
            drawn = draw(face, pixels.shape[:2], alike)
            if (number and rng.random() < _LEFT_OPEN) or min(face[2] - face[0], face[3] - face[1]) < 6:
                continue
            pixels, mask = hide(pixels, drawn.region, drawn.hiding)
            hidden, afterwards = np.maximum(hidden, mask), drawn.afterwards
        if rng.random() < _ELSEWHERE:
            drawn = draw(_anywhere(pixels.shape[:2], rng), pixels.shape[:2], rng, _TEXTURES)
            pixels, mask = hide(pixels, drawn.region, drawn.hiding)
            hidden = np.maximum(hidden, mask)
    else:
        drawn = draw((0, 0, 50, 50), pixels.shape[:2], rng)
        afterwards = drawn.afterwards
    pixels, hidden = _resized(pixels, hidden, round(whole / look))
    pixels = Afterwards(1.0, afterwards.noise, afterwards.jpeg).apply(pixels, rng)
    pixels, hidden = _resized(pixels, hidden, whole)
    inner = slice(_MARGIN, _MARGIN + size)
    window, label = pixels[inner, inner], hidden[inner, inner]
    if rng.random() < 0.5:
        window, label = window[:, ::-1], label[:, ::-1]
    return np.ascontiguousarray(window), np.ascontiguousarray(label[..., None])


def locator_batches(
    photographs: Photographs,
    *,
    size: int,
    batch_size: int,
    seed: int,
    start_step: int = 0,
    rows: slice = ALL_ROWS,
) -> tf.data.Dataset:
    """Returns the batches of a training run from `start_step` on, without end; of each batch, its `rows`.

    Returns:
        data set of (windows, hidden): uint8 `(batch, size, size, 3)`, float32 `(batch, size, size, 1)`.
    """
    return photograph_batches(
        photographs,
        lambda photograph, rng: locator_window(photograph, size, rng),
        [(size, size, channels) for channels in (3, 1)],
        (np.uint8, np.float32),
        batch_size=batch_size,
        seed=seed,
        start_step=start_step,
        rows=rows,
    )


def _draw_look(rng: np.random.Generator) -> float:
    """Draws the factor by which a locator resizes the published photograph."""
    chance = rng.random()
    for often, low, high in (_LARGER, _SMALLER):
        if chance < often:
            return _log_uniform(low, high, rng)
        chance -= often
    return 1.0


def _resized(pixels: np.ndarray, hidden: np.ndarray, side: int) -> tuple[np.ndarray, np.ndarray]:
    if pixels.shape[0] == side:
        return pixels, hidden
    way = cv2.INTER_AREA if pixels.shape[0] > side else cv2.INTER_LINEAR
    return resize_image(pixels, (side, side)), cv2.resize(hidden, (side, side), interpolation=way)


def _with_lookalike(pixels: np.ndarray, faces: list[Box], rng: np.random.Generator) -> np.ndarray:
    """Adds something that looks hidden and is not; a panel over a face would hide it, so that it goes elsewhere."""
    lookalike = LOOKALIKES[rng.integers(len(LOOKALIKES))]
    for _ in range(4):
        changed = lookalike(pixels, rng)
        if lookalike not in PANELS or not any(_differ(pixels, changed, face) for face in faces):
            return changed
    return pixels


def _differ(one: np.ndarray, other: np.ndarray, box: Box) -> bool:
    x0, y0, x1, y1 = (max(round(edge), 0) for edge in box)
    return bool((one[y0:y1, x0:x1] != other[y0:y1, x0:x1]).any())


def _surroundings(
    photograph: Photograph, size: int, later: float, rng: np.random.Generator
) -> tuple[np.ndarray, list[Box]]:
    """Resizes the photograph and cuts a square that usually shows its first face, wherever in it.

    Args:
        photograph: with its faces.
        size: side of the square, in pixels.
        later: factor by which the square is resized later.
        rng: draws the size of the face, and the square's place.

    Returns:
        uint8 `(size, size, 3)`, the edge repeated around the photograph; the faces in its pixels.
    """
    height, width = photograph.pixels.shape[:2]
    faces = photograph.faces
    factor = _draw_factor(later * float(faces[0][2] - faces[0][0]) if len(faces) else 0.0, rng)
    side = max(round(size / factor), 8)
    margin = round(_MARGIN / later / factor)
    if len(faces) and rng.random() < 0.85:
        x0, y0, x1, y1 = faces[rng.integers(len(faces))]
        left = _inside(round((x0 + x1) / 2 - side * rng.uniform(0.25, 0.75)), side, width, margin)
        top = _inside(round((y0 + y1) / 2 - side * rng.uniform(0.25, 0.75)), side, height, margin)
    else:
        left, top = (int(rng.integers(min(0, length - side), max(0, length - side) + 1)) for length in (width, height))
    x0, y0, x1, y1 = max(left, 0), max(top, 0), min(left + side, width), min(top + side, height)
    inside = photograph.pixels[y0:y1, x0:x1]
    if inside.shape[:2] != (side, side):
        edges = y0 - top, top + side - y1, x0 - left, left + side - x1
        inside = cv2.copyMakeBorder(inside, *edges, cv2.BORDER_REPLICATE)
    cut = cv2.resize(inside, (size, size), interpolation=cv2.INTER_AREA if side > size else cv2.INTER_CUBIC)
    moved = (faces - np.array([left, top, left, top])) * (size / side)
    seen = [face for face in moved.tolist() if face[2] > 0 and face[3] > 0 and face[0] < size and face[1] < size]
    return cut, [tuple(face) for face in seen]


def _inside(start: int, side: int, length: int, margin: int) -> int:
    """Moves a cut so that, without its margins, it shows as much of the photograph as it can."""
    least, most = sorted((-margin, length - side + margin))
    return min(max(start, least), most)


def _draw_factor(face_width: float, rng: np.random.Generator) -> float:
    if face_width < 1 or (face_width <= _FACE_WIDTHS[1] and rng.random() < 0.3):
        return 1.0
    high = min(_FACE_WIDTHS[1] / face_width, _SCALES[1])
    low = min(max(_FACE_WIDTHS[0] / face_width, _SCALES[0]), high)
    return _log_uniform(low, high, rng)


def _anywhere(size: tuple[int, int], rng: np.random.Generator) -> Box:
    height, width = size
    side = _log_uniform(12, max(min(size) / 3, 13), rng)
    left, top = rng.uniform(0, max(width - side, 1)), rng.uniform(0, max(height - side, 1))
    return (left, top, left + side, top + side * rng.uniform(0.8, 1.5))


def _log_uniform(low: float, high: float, rng: np.random.Generator) -> float:
    return math.exp(rng.uniform(math.log(low), math.log(high)))
