"""De-identification of regions of pictures: block-mean mosaic, Gaussian blur, solid box.

Everything is written for a batch in which each picture has its own region and its own strength, in plain TensorFlow
operations, so that it runs inside `tf.data` on whole batches.
"""

from __future__ import annotations

from typing import Literal

import tensorflow as tf

from keras_deid.data.mosaic_grid import block_index, block_means
from keras_deid.data.pixel_axes import centres, separable, sides, to_uint8
from keras_deid.data.regions import Shape, put_into, region_mask, scale_boxes

Method = Literal["mosaic", "blur", "box"]
Unit = Literal["face", "pixels"]

SMALLEST_SIGMA = 1e-2
"""Pixels; below it a neighbour's weight is 0 in float32 anyway."""


def strength_in_pixels(strength: tf.Tensor | float, boxes: tf.Tensor, unit: Unit) -> tf.Tensor:
    """Converts mosaic block sizes or blur sigmas to pixels.

    Args:
        strength: float, in `unit`: a number for all boxes, or of a shape that broadcasts to theirs.
        boxes: float32 `(..., 4)`, the face boxes as detected (not enlarged).
        unit: `"face"`: widths of the face box; `"pixels"`.

    Returns:
        float32 `(...)`, in pixels.
    """
    widths = boxes[..., 2] - boxes[..., 0]
    return strength * (widths if unit == "face" else tf.ones_like(widths))


def deidentify(
    pictures: tf.Tensor,
    boxes: tf.Tensor,
    strength: tf.Tensor,
    *,
    method: Method = "mosaic",
    shape: Shape = "rectangle",
    scale: float = 1.0,
) -> tuple[tf.Tensor, tf.Tensor]:
    """Makes a region of each picture unrecognisable.

    Args:
        pictures: uint8 `(batch, height, width, channels)`.
        boxes: float32 `(batch, 4)`, the faces, in pixels.
        strength: float32 `(batch,)`, mosaic block or blur sigma in pixels; not used by `"box"`.
        method: `"mosaic"` (mean of each block), `"blur"` (Gaussian) or `"box"` (black).
        shape: the whole region, or the ellipse inscribed in it.
        scale: the region is the box enlarged by this factor about its centre, clipped to the picture.

    Returns:
        The pictures after it, uint8 of the same shape, untouched outside the region; and the mask, float32
        `(batch, height, width, 1)`, 1 inside the region.
    """
    height, width = sides(pictures)
    regions = scale_boxes(boxes, scale, height, width)
    if method == "mosaic":
        changed = _mosaic_everywhere(pictures, regions, strength)
    elif method == "blur":
        changed = gaussian_blur(pictures, strength)
    else:
        changed = tf.zeros_like(pictures)
    return put_into(regions, shape, changed, pictures), region_mask(regions, height, width, shape)


def mosaic(pictures: tf.Tensor, regions: tf.Tensor, block: tf.Tensor) -> tf.Tensor:
    """Replaces each block of a region by its mean.

    Blocks are counted from the region's upper left corner: column `j` is in block `floor((j + 0.5 - x0) / block)`.
    Blocks need not be whole pixels, so a block of a fifth of the width gives exactly five. A block that the region's
    far sides or the picture cut has the mean of what is inside.

    Args:
        pictures: uint8 `(batch, height, width, channels)`.
        regions: float32 `(batch, 4)`, in pixels.
        block: float32 `(batch,)`, side of a block in pixels; at least 1 is used.

    Returns:
        uint8 of the same shape; pixels outside the region are untouched.
    """
    return put_into(regions, "rectangle", _mosaic_everywhere(pictures, regions, block), pictures)


def gaussian_blur(pictures: tf.Tensor, sigma: tf.Tensor) -> tf.Tensor:
    """Blurs each whole picture by its own Gaussian.

    The kernel is not cut off; at the border it is normalised over the picture, so that a flat picture stays as it is.

    Args:
        pictures: uint8 `(batch, height, width, channels)`.
        sigma: float32 `(batch,)`, in pixels; 0 leaves a picture as it is.

    Returns:
        uint8 of the same shape.
    """
    height, width = sides(pictures)
    blurred = separable(_gaussian_weights(height, sigma), _gaussian_weights(width, sigma), pictures)
    return to_uint8(blurred)


def _mosaic_everywhere(pictures: tf.Tensor, regions: tf.Tensor, block: tf.Tensor) -> tf.Tensor:
    height, width = sides(pictures)
    rows = block_index(height, regions[:, 1], regions[:, 3], block)
    columns = block_index(width, regions[:, 0], regions[:, 2], block)
    means = to_uint8(block_means(pictures, rows, columns))
    widened = tf.gather(means, tf.maximum(columns, 0), axis=2, batch_dims=1)  # few rows yet; then whole rows are copied
    return tf.gather(widened, tf.maximum(rows, 0), axis=1, batch_dims=1)


def _gaussian_weights(length: int | tf.Tensor, sigma: tf.Tensor) -> tf.Tensor:
    points = centres(length)
    distance = (points[:, None] - points[None, :])[None] / tf.maximum(sigma, SMALLEST_SIGMA)[:, None, None]
    return tf.nn.softmax(-(distance**2) / 2, axis=2)
