"""Shapes, and the paper they are drawn on.

Shapes are float arrays `(points, 2)` of corners (x, y), y down. They are made in the coordinates of the thing they
belong to (a head, a body), and a `Sketch` carries all of them to the picture in one step, since in NumPy many small
steps cost more than the drawing itself.
"""

import functools
import math
from collections.abc import Callable

import cv2
import numpy as np

Colour = tuple[int, int, int, int]
"""Red, green, blue and coverage, in 0..255. A canvas without a coverage channel ignores the last."""

Place = Callable[[np.ndarray], np.ndarray]
"""Carries `(points, 2)` from a shape's own coordinates to the picture's, where both sides are 0..1."""

# OpenCV takes corners in whole sixteenths of a pixel.
_SHIFT = 4
_STEPS = 1 << _SHIFT

_CIRCLE = np.array([(math.cos(math.tau * i / 20), math.sin(math.tau * i / 20)) for i in range(20)])

_ALONG = np.linspace(-1.0, 1.0, 9)
_LENS_X = np.concatenate([_ALONG, _ALONG[-2:0:-1]])
_LENS_UPPER = np.concatenate([1 - _ALONG**2, np.zeros(7)])
_LENS_LOWER = np.concatenate([np.zeros(9), 1 - _ALONG[-2:0:-1] ** 2])


def oval(x: float, y: float, radius_x: float, radius_y: float) -> np.ndarray:
    """Returns an ellipse around (x, y)."""
    return _CIRCLE * (radius_x, radius_y) + (x, y)


def lens(x: float, y: float, half: float, up: float, down: float, tilt: float = 0.0) -> np.ndarray:
    """Returns what lies between two arcs that meet in points left and right of (x, y).

    Eyes, lips, brows and strokes are all lenses: with `up` and `down` of one sign it is a half, with opposite signs a
    bent stroke.

    Args:
        x: middle.
        y: height of the two points, where `tilt` is 0.
        half: half the distance of the two points.
        up: how far the upper arc rises over them in the middle; negative if it sinks.
        down: how far the lower arc sinks under them.
        tilt: by how much the right point lies lower than the middle.
    """
    points = np.empty((16, 2))
    points[:, 0] = _LENS_X * half + x
    points[:, 1] = _LENS_X * tilt + _LENS_LOWER * down - _LENS_UPPER * up + y
    return points


def box(x0: float, y0: float, x1: float, y1: float) -> np.ndarray:
    """Returns an upright rectangle."""
    return np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1)])


@functools.lru_cache(maxsize=64)
def _catmull_rom(corners: int, closed: bool) -> np.ndarray:
    """Returns the matrix that takes corners to a smooth curve through them, four points a corner.

    Reference:
        E. Catmull and R. Rom, "A class of local interpolating splines", 1974; the uniform form with tension 1/2.
    """
    rows = []
    for corner in range(corners if closed else corners - 1):
        for t in (0.0, 0.25, 0.5, 0.75):
            row = np.zeros(corners)
            weights = (
                (-t + 2 * t**2 - t**3) / 2,
                (2 - 5 * t**2 + 3 * t**3) / 2,
                (t + 4 * t**2 - 3 * t**3) / 2,
                (-(t**2) + t**3) / 2,
            )
            for offset, weight in zip((-1, 0, 1, 2), weights, strict=True):
                at = corner + offset
                row[at % corners if closed else min(max(at, 0), corners - 1)] += weight
            rows.append(row)
    if not closed:
        rows.append(np.eye(corners)[-1])
    return np.array(rows)


def smooth(corners: list[tuple[float, float]]) -> np.ndarray:
    """Returns a smooth closed curve through the corners."""
    return _catmull_rom(len(corners), True) @ np.array(corners)


def smooth_line(corners: list[tuple[float, float]]) -> np.ndarray:
    """Returns a smooth curve from the first corner through the others to the last."""
    return _catmull_rom(len(corners), False) @ np.array(corners)


def mirrored(corners: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Returns the corners, then the same to the other side of x = 0 in reverse order; those on x = 0 once."""
    return corners + [(-x, y) for x, y in reversed(corners) if x]


class Sketch:
    """Shapes in the order in which they are painted, later ones over earlier ones."""

    def __init__(self) -> None:
        """Starts with nothing."""
        self._shapes: list[np.ndarray] = []
        self._colours: list[Colour] = []

    def add(self, shape: np.ndarray, colour: Colour) -> None:
        """Adds a shape, over all before."""
        self._shapes.append(shape)
        self._colours.append(colour)

    def paint(self, canvas: np.ndarray, place: Place) -> None:
        """Paints all shapes.

        Args:
            canvas: uint8 `(size, size, channels)`, changed in place.
            place: from the shapes' coordinates to the picture's.
        """
        if not self._shapes:
            return
        # Corner (0, 0) of the picture is the corner of a pixel; to OpenCV whole numbers are middles of pixels.
        corners = place(np.concatenate(self._shapes)) * (canvas.shape[0] * _STEPS) - _STEPS / 2
        corners = np.rint(corners).astype(np.int32)
        start = 0
        for shape, colour in zip(self._shapes, self._colours, strict=True):
            end = start + len(shape)
            cv2.fillPoly(canvas, [corners[start:end]], colour, cv2.LINE_AA, _SHIFT)
            start = end
