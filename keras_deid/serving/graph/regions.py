"""The rule of `keras_deid.restoring.regions` as a graph: which parts of a picture are restored, and how they return."""

from __future__ import annotations

import tensorflow as tf


def plan_parts(boxes: tf.Tensor, context: float, size: tf.Tensor) -> tf.Tensor:
    """Finds what the network sees of a picture, and what is replaced; as `part_around`.

    Args:
        boxes: float32 `(boxes, 4)`, (x0, y0, x1, y1) in pixels. A row that is not finite, is empty, or has nothing of
            the picture in it stands for no box.
        context: side of a crop relative to the box's longer side.
        size: int32 `(2,)`, (height, width) of the picture.

    Returns:
        int32 `(parts, 8)`: the crop (x0, y0, x1, y1), then the region inside it; of the boxes that are some.
    """
    # Doubles, as in Python: the parts are the same to the pixel, and nothing becomes infinite.
    height, width = tf.unstack(tf.cast(size, tf.float64))
    far_corner = tf.stack([width, height, width, height])
    finite = tf.reduce_all(tf.math.is_finite(boxes), axis=1)
    boxes = tf.cast(tf.boolean_mask(boxes, finite), tf.float64)
    inside = tf.clip_by_value(boxes, tf.zeros(4, tf.float64), far_corner)
    some = tf.reduce_all(inside[:, :2] < inside[:, 2:], axis=1)
    boxes, inside = tf.boolean_mask(boxes, some), tf.boolean_mask(inside, some)

    longer = tf.reduce_max(boxes[:, 2:] - boxes[:, :2], axis=1, keepdims=True)
    side = tf.minimum(tf.maximum(tf.round(context * longer), 1.0), tf.minimum(height, width))
    corner = tf.floor((boxes[:, :2] + boxes[:, 2:] - side) / 2.0 + 0.5)
    corner = tf.minimum(tf.maximum(corner, 0.0), far_corner[:2] - side)
    crop = tf.concat([corner, corner + side], axis=1)
    region = tf.concat(
        [tf.maximum(tf.floor(inside[:, :2]), corner), tf.minimum(tf.math.ceil(inside[:, 2:]), corner + side)], axis=1
    )
    return tf.cast(tf.concat([crop, region], axis=1), tf.int32)


def cut(picture: tf.Tensor, rectangle: tf.Tensor) -> tf.Tensor:
    """Returns what of a picture lies in a rectangle, int32 (x0, y0, x1, y1)."""
    x0, y0, x1, y1 = tf.unstack(rectangle)
    return picture[y0:y1, x0:x1]


def paste(picture: tf.Tensor, restored: tf.Tensor, region: tf.Tensor) -> tf.Tensor:
    """Puts the pixels of a region into a picture, as `put_back`.

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
