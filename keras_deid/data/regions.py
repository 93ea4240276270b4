"""Regions of pictures: which pixels are inside, and what is put there.

A pixel belongs to a region when its centre does. Boxes are float `(x0, y0, x1, y1)` in pixels, exclusive on the right.
"""

from __future__ import annotations

from typing import Literal

import tensorflow as tf

from keras_deid.data.pixel_axes import centres, sides

Shape = Literal["rectangle", "ellipse"]


def scale_boxes(boxes: tf.Tensor, scale: float, height: int | tf.Tensor, width: int | tf.Tensor) -> tf.Tensor:
    """Enlarges boxes about their centres and clips them to the picture.

    Args:
        boxes: float `(batch, 4)`, in pixels.
        scale: factor on width and height, > 0.
        height: of the picture, in pixels.
        width: of the picture, in pixels.

    Returns:
        float32 `(batch, 4)`; a box wholly outside comes back without area.
    """
    corner, opposite = boxes[:, :2], boxes[:, 2:]
    centre, half = (corner + opposite) / 2, (opposite - corner) * (scale / 2)
    limit = tf.cast(tf.stack([width, height]), tf.float32)
    return tf.concat([tf.clip_by_value(centre - half, 0.0, limit), tf.clip_by_value(centre + half, 0.0, limit)], axis=1)


def region_mask(regions: tf.Tensor, height: int | tf.Tensor, width: int | tf.Tensor, shape: Shape) -> tf.Tensor:
    """Draws the regions.

    Args:
        regions: float `(batch, 4)`, in pixels.
        height: of the picture, in pixels.
        width: of the picture, in pixels.
        shape: the whole region, or the ellipse inscribed in it.

    Returns:
        float32 `(batch, height, width, 1)`: 1 where the pixel's centre is inside.
    """
    return tf.cast(_region(regions, height, width, shape), tf.float32)[..., None]


def put_into(regions: tf.Tensor, shape: Shape, changed: tf.Tensor, pictures: tf.Tensor) -> tf.Tensor:
    """Takes `changed` inside the regions, `pictures` elsewhere.

    Width and channels are one axis meanwhile: choosing with a mask that has to be broadcast over the channels takes
    three times as long.
    """
    height, width = sides(pictures)
    dynamic = tf.shape(pictures)
    covered = _region(regions, height, width, shape, dynamic[3])
    flat = tf.stack([dynamic[0], dynamic[1], dynamic[2] * dynamic[3]])
    chosen = tf.where(covered, tf.reshape(changed, flat), tf.reshape(pictures, flat))
    return tf.ensure_shape(tf.reshape(chosen, dynamic), pictures.shape)


def inside(length: int | tf.Tensor, start: tf.Tensor, stop: tf.Tensor) -> tf.Tensor:
    """Returns bool `(batch, length)`: whether the centres of the pixels of an axis lie in [start, stop)."""
    points = centres(length)
    return (points >= start[:, None]) & (points < stop[:, None])


def _region(
    regions: tf.Tensor, height: int | tf.Tensor, width: int | tf.Tensor, shape: Shape, channels: int | tf.Tensor = 1
) -> tf.Tensor:
    """Returns bool `(batch, height, width * channels)`: whether a pixel's centre is inside, for each channel."""
    if shape == "rectangle":
        rows = inside(height, regions[:, 1], regions[:, 3])
        columns = inside(width, regions[:, 0], regions[:, 2])
        return rows[:, :, None] & tf.repeat(columns, channels, axis=1)[:, None, :]
    rows = _squared_offset(height, regions[:, 1], regions[:, 3])
    columns = _squared_offset(width, regions[:, 0], regions[:, 2])
    return rows[:, :, None] + tf.repeat(columns, channels, axis=1)[:, None, :] <= 1


def _squared_offset(length: int | tf.Tensor, start: tf.Tensor, stop: tf.Tensor) -> tf.Tensor:
    """Squared distance from the middle, 1 at either end; above 1 everywhere for an empty interval."""
    middle, half = (start + stop) / 2, (stop - start) / 2
    offset = (centres(length) - middle[:, None]) / half[:, None]
    return tf.where(half[:, None] > 0, offset**2, 2.0)
