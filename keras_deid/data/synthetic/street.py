"""Thin first street; to be replaced."""

import cv2
import numpy as np

from keras_deid.data.synthetic.chance import Chance


def draw_street(chance: Chance, size: int) -> np.ndarray:
    """Draws."""
    canvas = np.empty((size, size, 3), np.uint8)
    canvas[:] = [chance.whole(60, 230) for _ in range(3)]
    for _ in range(chance.whole(5, 14)):
        x, y = chance.between(-0.1, 1), chance.between(-0.1, 1)
        w, h = chance.between(0.05, 0.4), chance.between(0.05, 0.4)
        cv2.rectangle(canvas, (int(x * size), int(y * size)), (int((x + w) * size), int((y + h) * size)), [chance.whole(20, 235) for _ in range(3)], -1)
    return canvas
