"""Shapes, and the pens that draw them.

A scene has about 160 shapes. For a shape of a dozen corners, calling NumPy or OpenCV costs more than the work itself.
Therefore a `Sketch` only records shapes. When painted, it computes the corners of all shapes of a pen in one step.
"""

import functools
import itertools
import math
from collections.abc import Callable, Iterator

import cv2
import numpy as np

Colour = tuple[int, int, int, int]
"""Red, green, blue and coverage, in 0..255. A canvas without a coverage channel ignores the last."""

Corners = list[tuple[float, float]]

Place = Callable[[np.ndarray], np.ndarray]
"""Carries `(points, 2)` from a pen's coordinates to the picture's, where both sides are 0..1 and y points down."""

# OpenCV takes corners in whole sixteenths of a pixel.
_SHIFT = 4
_STEPS = 1 << _SHIFT

CIRCLE = np.array([(math.cos(math.tau * i / 16), math.sin(math.tau * i / 16)) for i in range(16)])

# The corners of an oval, a lens and a box are linear in the numbers that they are given by. In these matrices a row is
# a number and a column a coordinate: x and y of the first corner, x and y of the second, ...
_ACROSS, _DOWN = np.tile((1.0, 0.0), len(CIRCLE)), np.tile((0.0, 1.0), len(CIRCLE))
_OVAL = np.array([_ACROSS, _DOWN, _ACROSS * CIRCLE.ravel(), _DOWN * CIRCLE.ravel()])
"""x, y, radius_x, radius_y."""


def _lens_matrix() -> np.ndarray:
    along = np.linspace(-1.0, 1.0, 7)
    upper = [((1, 0), (0, 1), (t, 0), (0, t * t - 1), (0, 0), (0, t)) for t in along]
    lower = [((1, 0), (0, 1), (t, 0), (0, 0), (0, 1 - t * t), (0, t)) for t in along[-2:0:-1]]
    return np.array(upper + lower).transpose(1, 0, 2).reshape(6, -1)


_LENS = _lens_matrix()
"""x, y, half, up, down, tilt."""
_BOX = np.array(
    [(1, 0, 0, 0, 0, 0, 1, 0), (0, 1, 0, 1, 0, 0, 0, 0), (0, 0, 1, 0, 1, 0, 0, 0), (0, 0, 0, 0, 0, 1, 0, 1.0)]
)
"""x0, y0, x1, y1."""


@functools.lru_cache(maxsize=64)
def _catmull_rom(corners: int, closed: bool) -> np.ndarray:
    """Returns the matrix from corners to a smooth curve through them, three points a corner.

    Reference:
        E. Catmull and R. Rom, "A class of local interpolating splines", 1974; the uniform form with tension 1/2.
    """
    rows = []
    for corner in range(corners if closed else corners - 1):
        for t in (0.0, 1 / 3, 2 / 3):
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


def smooth(corners: Corners) -> np.ndarray:
    """Returns a smooth closed curve through the corners, float `(3 * corners, 2)`."""
    return _catmull_rom(len(corners), True) @ np.array(corners)


def smooth_line(corners: Corners) -> np.ndarray:
    """Returns a smooth curve from the first corner through the others to the last, float `(3 * corners - 2, 2)`."""
    return _catmull_rom(len(corners), False) @ np.array(corners)


def mirrored(corners: Corners) -> Corners:
    """Returns the corners, then the same on the other side of x = 0 in reverse order; those on x = 0 once."""
    return corners + [(-x, y) for x, y in reversed(corners) if x]


class Pen:
    """Draws on a sketch, in coordinates of its own. Made by `Sketch.pen`."""

    def __init__(self, strokes: list[tuple[int, Colour]], number: int, place: Place) -> None:
        """Shares the sketch's list of strokes, in which this pen has the kinds `number` to `number + 3`."""
        self._strokes = strokes
        self._place = place
        self._oval, self._lens, self._box, self._shape = range(number, number + 4)
        self._ovals: list[float] = []
        self._lenses: list[float] = []
        self._boxes: list[float] = []
        self._shapes: list[np.ndarray] = []

    def oval(self, x: float, y: float, radius_x: float, radius_y: float, colour: Colour) -> None:
        """Draws an ellipse around (x, y)."""
        self._ovals += (x, y, radius_x, radius_y)
        self._strokes.append((self._oval, colour))

    def lens(self, x: float, y: float, half: float, up: float, down: float, colour: Colour, tilt: float = 0.0) -> None:
        """Draws what lies between two arcs that meet in points left and right of (x, y).

        Eyes, lips, brows and strokes are lenses. With `up` or `down` 0 it is half a lens, with opposite signs a bent
        stroke.

        Args:
            x: middle.
            y: height of the two points, where `tilt` is 0.
            half: half the distance of the two points.
            up: how far the upper arc rises over them in the middle; negative if it sinks.
            down: how far the lower arc sinks under them; negative if it rises.
            colour: what to fill it with.
            tilt: by how much the right point lies lower than the middle.
        """
        self._lenses += (x, y, half, up, down, tilt)
        self._strokes.append((self._lens, colour))

    def box(self, x0: float, y0: float, x1: float, y1: float, colour: Colour) -> None:
        """Draws an upright rectangle."""
        self._boxes += (x0, y0, x1, y1)
        self._strokes.append((self._box, colour))

    def polygon(self, corners: Corners, colour: Colour) -> None:
        """Draws a polygon."""
        self.shape(np.array(corners), colour)

    def shape(self, corners: np.ndarray, colour: Colour) -> None:
        """Draws a polygon, float `(corners, 2)`."""
        self._shapes.append(corners)
        self._strokes.append((self._shape, colour))

    def polygons(self, scale: float) -> tuple[Iterator[np.ndarray], ...]:
        """Returns the corners of all ovals, lenses, boxes and shapes, int32, in OpenCV's sixteenths of a pixel."""
        parts = [
            (np.array(numbers).reshape(-1, len(matrix)) @ matrix).reshape(-1, 2)
            for numbers, matrix in ((self._ovals, _OVAL), (self._lenses, _LENS), (self._boxes, _BOX))
        ]
        parts += self._shapes
        # In OpenCV whole numbers are the middles of pixels; here they lie between pixels.
        corners = self._place(np.concatenate(parts)) * (scale * _STEPS) - _STEPS / 2
        corners = np.rint(corners).astype(np.int32)

        ends = list(itertools.accumulate(map(len, parts)))
        return (
            iter(corners[: ends[0]].reshape(-1, _OVAL.shape[1] // 2, 2)),
            iter(corners[ends[0] : ends[1]].reshape(-1, _LENS.shape[1] // 2, 2)),
            iter(corners[ends[1] : ends[2]].reshape(-1, _BOX.shape[1] // 2, 2)),
            (corners[start:end] for start, end in itertools.pairwise(ends[2:])),
        )


class Sketch:
    """The strokes of all pens, later ones over earlier ones."""

    def __init__(self) -> None:
        """Starts with nothing."""
        self._strokes: list[tuple[int, Colour]] = []
        self._pens: list[Pen] = []

    def pen(self, place: Place) -> Pen:
        """Returns a new pen.

        Args:
            place: from the pen's coordinates to the picture's. It must treat every point independently.
        """
        pen = Pen(self._strokes, 4 * len(self._pens), place)
        self._pens.append(pen)
        return pen

    def paint(self, canvas: np.ndarray) -> None:
        """Paints everything. OpenCV's smooth edges make every shape about half a pixel wider on each side.

        Args:
            canvas: uint8 `(size, size, channels)`, changed in place.
        """
        polygons = [kind for pen in self._pens for kind in pen.polygons(canvas.shape[0])]
        for kind, colour in self._strokes:
            cv2.fillPoly(canvas, [next(polygons[kind])], colour, cv2.LINE_AA, _SHIFT)
