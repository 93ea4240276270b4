"""The street behind the person."""

import cv2
import numpy as np

from keras_deid.synthetic.chance import Chance
from keras_deid.synthetic.sketch import Sketch
from keras_deid.synthetic.views import VIEWS


def draw_street(chance: Chance, size: int) -> np.ndarray:
    """Draws the street behind a person, as a camera at eye height sees it.

    Args:
        chance: decides what is in it.
        size: side of the picture in pixels.

    Returns:
        uint8 `(size, size, 3)` RGB, out of focus like a background.
    """
    view = chance.pick(VIEWS)
    sketch = Sketch()
    above, below = view(sketch.pen(_as_it_is), chance)
    ends = np.array([[above[:3]] * 2, [below[:3]] * 2], np.uint8)
    canvas = cv2.resize(ends, (size, size), interpolation=cv2.INTER_LINEAR_EXACT)
    sketch.paint(canvas)
    # From sharp to well out of focus.
    blur = chance.between(0, 1) ** 2 * 0.022 * size
    if blur < 0.3:
        return canvas
    return cv2.GaussianBlur(canvas, (0, 0), blur, hint=cv2.ALGO_HINT_ACCURATE)


def _as_it_is(points: np.ndarray) -> np.ndarray:
    return points
