"""How regions are restored, as a graph: the rule of `keras_deid.data.crops` and `keras_deid.restoring.repair`."""

from __future__ import annotations

import tensorflow as tf

from keras_deid.serving.graph.resize import Axis, resize_square


def plan_parts(boxes: tf.Tensor, context: float, size: tf.Tensor) -> tf.Tensor:
    """Finds the squares that the network sees of a picture, as `square_about`, and what is replaced.

    Args:
        boxes: float32 `(boxes, 4)`, (x0, y0, x1, y1) in pixels. A row that is not finite, is empty, or has nothing of
            the picture in it stands for no box.
        context: side of a square relative to the region's longer side.
        size: int32 `(2,)`, (height, width) of the picture.

    Returns:
        int32 `(parts, 7)`: the square (left, top, side), which may reach beyond the picture, then the region (x0, y0,
        x1, y1), which does not; of the boxes that are some.
    """
    # Doubles, as in Python: the parts are the same to the pixel, and nothing becomes infinite.
    height, width = tf.unstack(tf.cast(size, tf.float64))
    far_corner = tf.stack([width, height, width, height])
    finite = tf.reduce_all(tf.math.is_finite(boxes), axis=1)
    boxes = tf.cast(tf.boolean_mask(boxes, finite), tf.float64)
    inside = tf.clip_by_value(boxes, tf.zeros(4, tf.float64), far_corner)
    inside = tf.boolean_mask(inside, tf.reduce_all(inside[:, :2] < inside[:, 2:], axis=1))

    region = tf.concat([tf.floor(inside[:, :2]), tf.math.ceil(inside[:, 2:])], axis=1)
    longer = tf.reduce_max(region[:, 2:] - region[:, :2], axis=1, keepdims=True)
    side = tf.math.ceil(tf.cast(context, tf.float64) * longer)
    corner = tf.floor((region[:, :2] + region[:, 2:] - side) / 2.0 + 0.5)
    return tf.cast(tf.concat([corner, side, region], axis=1), tf.int32)


def cut_square(picture: tf.Tensor, square: tf.Tensor, size: int) -> tf.Tensor:
    """Cuts a square out and resizes it; beyond the picture its edge is repeated.

    Args:
        picture: uint8 `(height, width, 3)`.
        square: int32 `(3,)`, (left, top, side); shares at least a pixel with the picture.
        size: side of the result, in pixels.

    Returns:
        uint8 `(size, size, 3)`.
    """
    left, top, side = tf.unstack(square)
    height, width = tf.unstack(tf.shape(picture)[:2])
    x0, x1 = tf.maximum(left, 0), tf.minimum(left + side, width)
    y0, y1 = tf.maximum(top, 0), tf.minimum(top + side, height)
    down, across = Axis(side, y0 - top, y1 - y0), Axis(side, x0 - left, x1 - x0)
    every = tf.range(size)
    return resize_square(picture[y0:y1, x0:x1], down, across, tf.constant(size), every, every)


def in_region(restored: tf.Tensor, square: tf.Tensor, region: tf.Tensor) -> tf.Tensor:
    """Returns what a restored square, brought back to its own size, shows in the region.

    Args:
        restored: uint8 `(size, size, 3)`.
        square: int32 `(3,)`, (left, top, side).
        region: int32 `(4,)`, (x0, y0, x1, y1), inside the square.

    Returns:
        uint8 `(y1 - y0, x1 - x0, 3)`.
    """
    left, top, side = tf.unstack(square)
    x0, y0, x1, y1 = tf.unstack(region)
    size = tf.shape(restored)[0]
    axis = Axis(size, tf.constant(0), size)
    return resize_square(restored, axis, axis, side, tf.range(y0 - top, y1 - top), tf.range(x0 - left, x1 - left))


def paste(picture: tf.Tensor, restored: tf.Tensor, region: tf.Tensor) -> tf.Tensor:
    """Puts the pixels of a region into a picture.

    Args:
        picture: uint8 `(height, width, 3)`.
        restored: uint8, what the region shall show.
        region: int32 `(4,)`, (x0, y0, x1, y1), inside the picture.

    Returns:
        uint8 `(height, width, 3)`; outside of the region it is the same picture.
    """
    x0, y0, x1, y1 = tf.unstack(region)
    rows = tf.concat([picture[y0:y1, :x0], restored, picture[y0:y1, x1:]], axis=1)
    return tf.concat([picture[:y0], rows, picture[y1:]], axis=0)
