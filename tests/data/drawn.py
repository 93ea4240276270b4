"""Small pictures and regions as the functions of `keras_deid.data` take them."""

import numpy as np
import tensorflow as tf
from hypothesis import settings

HEIGHT, WIDTH = 12, 16


def noise(height=HEIGHT, width=WIDTH, batch=1, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (batch, height, width, 3), np.uint8)


def grey(rows):
    """A batch of one picture with one channel."""
    return np.array(rows, np.uint8)[None, :, :, None]


def ramp(height, width, slope_y, slope_x):
    y, x = np.mgrid[:height, :width]
    return grey(y * slope_y + x * slope_x)


def as_rows(pictures):
    return np.asarray(pictures)[0, :, :, 0].tolist()


def one(*box):
    return tf.constant([box], tf.float32)


def inside(box, height=HEIGHT, width=WIDTH):
    y, x = np.mgrid[:height, :width] + 0.5
    return (x >= box[0]) & (x < box[2]) & (y >= box[1]) & (y < box[3])


few = settings(max_examples=25, deadline=None)
