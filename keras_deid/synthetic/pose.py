"""Place and direction of a head."""

import math
from typing import NamedTuple

import numpy as np

from keras_deid.synthetic.chance import Chance

# In half face heights: depth of a head from its middle to the front of the face, how far the nose stands out, and half
# its width.
_DEPTH = 0.8
_NOSE, _NOSE_HALF = 0.26, 0.24


class Pose(NamedTuple):
    """A head in the picture.

    Heads are drawn in their own coordinates: (0, 0) is the middle of the face, y = -1 the hairline, y = 1 the chin,
    x = 0 the middle between the eyes.
    """

    x: float
    """Middle of the face in the picture, 0..1."""
    y: float
    scale: float
    """Half the height of the face, as a fraction of the picture's side."""
    half_width: float
    """Half the width of the face, as a fraction of half its height."""
    yaw: float
    """Radians; positive looks to the right of the picture."""
    pitch: float
    """Radians; positive looks down."""
    roll: float
    """Radians; positive leans clockwise."""

    def turn(self, points: np.ndarray) -> np.ndarray:
        """Turns points on the front of the face by yaw and pitch: head coordinates to head coordinates.

        The head is an ellipsoid with a nose. Points are lifted onto it, turned, and seen from far away.
        """
        x, y = points[:, 0], points[:, 1]
        across = x * x
        over = np.maximum(1 - across * self.half_width**-2 - 0.36 * y * y, 0.01)
        nose = np.maximum(1 - across * _NOSE_HALF**-2, 0) * np.maximum(1 - ((y - 0.24) / 0.34) ** 2, 0)
        z = _DEPTH * np.sqrt(over) + _NOSE * nose
        turned = np.empty_like(points)
        turned[:, 0] = x * math.cos(self.yaw) + z * math.sin(self.yaw)
        turned[:, 1] = y * math.cos(self.pitch) + (z - _DEPTH / 2) * math.sin(self.pitch)
        return turned

    def place(self, points: np.ndarray) -> np.ndarray:
        """Converts points from head coordinates to the picture's."""
        cos, sin = self.scale * math.cos(self.roll), self.scale * math.sin(self.roll)
        return points @ np.array([(cos, sin), (-sin, cos)]) + (self.x, self.y)

    def place_turned(self, points: np.ndarray) -> np.ndarray:
        """Converts points on the front of the face to the picture's coordinates."""
        return self.place(self.turn(points))


def choose_pose(chance: Chance) -> Pose:
    """Returns a head near the middle of the picture, most often looking nearly straight ahead."""
    scale = chance.between(0.155, 0.22)
    return Pose(
        x=0.5 + chance.around(0, 0.12),
        y=0.44 + chance.around(0, 0.07),
        scale=scale,
        half_width=chance.between(0.74, 0.86),
        yaw=chance.around(0, 0.42),
        pitch=chance.around(0, 0.2),
        roll=chance.around(0, 0.22),
    )
