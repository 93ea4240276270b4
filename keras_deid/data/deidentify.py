"""De-identification of regions of pictures: block-mean mosaic, Gaussian blur, solid box.

Everything is written for a batch in which each picture has its own region and its own strength, in plain TensorFlow
operations, so that it runs inside `tf.data` on whole batches. A mosaic, a blur and an enlargement are separable: each
is a product `rows @ picture @ columns^T` with one small matrix a side, a pair for each picture.

Pixel `j` of a row has its centre at `j + 0.5` and belongs to a region when its centre does. Boxes are float
`(x0, y0, x1, y1)` in pixels, exclusive on the right.
"""

from __future__ import annotations

from typing import Literal

import tensorflow as tf

Method = Literal["mosaic", "blur", "box"]
Shape = Literal["rectangle", "ellipse"]
Unit = Literal["face", "pixels"]
Kernel = Literal["bilinear", "bicubic"]

SLIVER = 1e-3
"""A last block thinner than this share of a block joins its neighbour: width / 5 makes 5 blocks, not 5 and rounding."""

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
    inside = _region(regions, height, width, shape)
    return tf.cast(inside, tf.float32)[..., None]


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
    height, width = _sides(pictures)
    regions = scale_boxes(boxes, scale, height, width)
    if method == "mosaic":
        changed = _mosaic_with_rubbish_outside(pictures, regions, strength)
    elif method == "blur":
        changed = gaussian_blur(pictures, strength)
    else:
        changed = tf.zeros_like(pictures)
    return _put_into(regions, shape, changed, pictures), region_mask(regions, height, width, shape)


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
    return _put_into(regions, "rectangle", _mosaic_with_rubbish_outside(pictures, regions, block), pictures)


def gaussian_blur(pictures: tf.Tensor, sigma: tf.Tensor) -> tf.Tensor:
    """Blurs each whole picture by its own Gaussian.

    The kernel is not cut off; at the border it is normalised over the picture, so that a flat picture stays as it is.

    Args:
        pictures: uint8 `(batch, height, width, channels)`.
        sigma: float32 `(batch,)`, in pixels; 0 leaves a picture as it is.

    Returns:
        uint8 of the same shape.
    """
    height, width = _sides(pictures)
    blurred = _separable(_gaussian_weights(height, sigma), _gaussian_weights(width, sigma), pictures)
    return _to_uint8(blurred)


def block_means_enlarged(pictures: tf.Tensor, regions: tf.Tensor, block: tf.Tensor, kernel: Kernel) -> tf.Tensor:
    """Fills each region with its block means, enlarged smoothly: what a mosaic gives away without any learning.

    The grid of means (rounded to integers, as `mosaic` shows them) is interpolated so that each mean lies at the
    centre of the pixels that it is the mean of. For whole blocks these centres are evenly spaced and the result is
    the ordinary enlargement; for blocks of broken sizes, or cut at the region's far sides, the spacing follows the
    pixels and the kernel is stretched with it. Beyond the outermost centres the kernel is normalised over the grid.

    Args:
        pictures: uint8 `(batch, height, width, channels)`: the originals (or, with rectangular regions, their mosaics,
            which have the same means).
        regions: float32 `(batch, 4)`, in pixels.
        block: float32 `(batch,)`, side of a block in pixels; at least 1 is used.
        kernel: `"bilinear"`, or `"bicubic"` with a = -0.5
            ([Keys, 1981](https://doi.org/10.1109/TASSP.1981.1163711), eq. 4 and 15).

    Returns:
        uint8 of the same shape; pixels outside the region are untouched.
    """
    height, width = _sides(pictures)
    rows = _block_index(height, regions[:, 1], regions[:, 3], block)
    columns = _block_index(width, regions[:, 0], regions[:, 2], block)
    means = tf.round(_block_means(pictures, rows, columns))
    enlarged = _separable(_enlarging_weights(rows, kernel), _enlarging_weights(columns, kernel), means)
    return _put_into(regions, "rectangle", _to_uint8(enlarged), pictures)


def _sides(pictures: tf.Tensor) -> tuple[int | tf.Tensor, int | tf.Tensor]:
    """Returns height and width: numbers where they are known, tensors where not."""
    dynamic = tf.shape(pictures)
    height, width = pictures.shape[1], pictures.shape[2]
    return (dynamic[1] if height is None else height, dynamic[2] if width is None else width)


def _centres(length: int | tf.Tensor) -> tf.Tensor:
    return tf.range(length, dtype=tf.float32) + 0.5


def _inside(length: int | tf.Tensor, start: tf.Tensor, stop: tf.Tensor) -> tf.Tensor:
    centres = _centres(length)
    return (centres >= start[:, None]) & (centres < stop[:, None])


def _squared_offset(length: int | tf.Tensor, start: tf.Tensor, stop: tf.Tensor) -> tf.Tensor:
    """Squared distance from the middle, 1 at either end; above 1 everywhere for an empty interval."""
    middle, half = (start + stop) / 2, (stop - start) / 2
    offset = (_centres(length) - middle[:, None]) / half[:, None]
    return tf.where(half[:, None] > 0, offset**2, 2.0)


def _region(
    regions: tf.Tensor, height: int | tf.Tensor, width: int | tf.Tensor, shape: Shape, channels: int | tf.Tensor = 1
) -> tf.Tensor:
    """Returns bool `(batch, height, width * channels)`: whether a pixel's centre is inside, for each channel."""
    if shape == "rectangle":
        rows = _inside(height, regions[:, 1], regions[:, 3])
        columns = _inside(width, regions[:, 0], regions[:, 2])
        return rows[:, :, None] & tf.repeat(columns, channels, axis=1)[:, None, :]
    rows = _squared_offset(height, regions[:, 1], regions[:, 3])
    columns = _squared_offset(width, regions[:, 0], regions[:, 2])
    return rows[:, :, None] + tf.repeat(columns, channels, axis=1)[:, None, :] <= 1


def _put_into(regions: tf.Tensor, shape: Shape, changed: tf.Tensor, pictures: tf.Tensor) -> tf.Tensor:
    """Takes `changed` inside the regions, `pictures` elsewhere.

    Width and channels are one axis meanwhile: choosing with a mask that has to be broadcast over the channels takes
    three times as long.
    """
    height, width = _sides(pictures)
    dynamic = tf.shape(pictures)
    inside = _region(regions, height, width, shape, dynamic[3])
    flat = tf.stack([dynamic[0], dynamic[1], dynamic[2] * dynamic[3]])
    chosen = tf.where(inside, tf.reshape(changed, flat), tf.reshape(pictures, flat))
    return tf.ensure_shape(tf.reshape(chosen, dynamic), pictures.shape)


def _mosaic_with_rubbish_outside(pictures: tf.Tensor, regions: tf.Tensor, block: tf.Tensor) -> tf.Tensor:
    height, width = _sides(pictures)
    rows = _block_index(height, regions[:, 1], regions[:, 3], block)
    columns = _block_index(width, regions[:, 0], regions[:, 2], block)
    means = _to_uint8(_block_means(pictures, rows, columns))
    widened = tf.gather(means, tf.maximum(columns, 0), axis=2, batch_dims=1)  # few rows yet; then whole rows are copied
    return tf.gather(widened, tf.maximum(rows, 0), axis=1, batch_dims=1)


def _block_index(length: int | tf.Tensor, start: tf.Tensor, stop: tf.Tensor, block: tf.Tensor) -> tf.Tensor:
    """Returns int32 `(batch, length)`: which block each pixel of an axis is in, -1 outside the region."""
    block = tf.maximum(block, 1.0)
    last = tf.maximum(tf.math.ceil((stop - start) / block - SLIVER), 1.0) - 1.0
    index = tf.floor((_centres(length) - start[:, None]) / block[:, None])
    index = tf.cast(tf.minimum(index, last[:, None]), tf.int32)
    return tf.where(_inside(length, start, stop), index, -1)


def _membership(index: tf.Tensor) -> tf.Tensor:
    """Returns float32 `(batch, blocks, length)`: 1 where a pixel is in a block."""
    blocks = tf.maximum(tf.reduce_max(index) + 1, 1)
    return tf.cast(index[:, None, :] == tf.range(blocks)[None, :, None], tf.float32)


def _block_means(pictures: tf.Tensor, rows: tf.Tensor, columns: tf.Tensor) -> tf.Tensor:
    """Returns float32 `(batch, block rows, block columns, channels)`: the most that any picture has, 0 where empty."""
    row_weights, column_weights = _membership(rows), _membership(columns)
    row_weights /= tf.maximum(tf.reduce_sum(row_weights, axis=2, keepdims=True), 1.0)
    column_weights /= tf.maximum(tf.reduce_sum(column_weights, axis=2, keepdims=True), 1.0)
    return _separable(row_weights, column_weights, pictures)


def _separable(rows: tf.Tensor, columns: tf.Tensor, pictures: tf.Tensor) -> tf.Tensor:
    """Returns `rows @ picture @ columns^T` for each picture and channel.

    Args:
        rows: float32 `(batch, new height, height)`.
        columns: float32 `(batch, new width, width)`.
        pictures: `(batch, height, width, channels)`.
    """
    pictures = tf.cast(pictures, tf.float32)
    shape = tf.shape(pictures)
    flat = tf.reshape(pictures, [shape[0], shape[1], shape[2] * shape[3]])  # [B, H, W*C]
    narrowed = tf.reshape(rows @ flat, [shape[0], tf.shape(rows)[1], shape[2], shape[3]])  # -> [B, H', W, C]
    return columns[:, None] @ narrowed  # -> [B, H', W', C]


def _gaussian_weights(length: int | tf.Tensor, sigma: tf.Tensor) -> tf.Tensor:
    centres = _centres(length)
    distance = (centres[:, None] - centres[None, :])[None] / tf.maximum(sigma, SMALLEST_SIGMA)[:, None, None]
    return tf.nn.softmax(-(distance**2) / 2, axis=2)


def _enlarging_weights(index: tf.Tensor, kernel: Kernel) -> tf.Tensor:
    """Returns float32 `(batch, length, blocks)`: what each block mean adds to each pixel of an axis."""
    members = _membership(index)
    counts = tf.reduce_sum(members, axis=2)  # [B, G]
    centres = _centres(tf.shape(index)[1])
    middles = tf.reduce_sum(members * centres, axis=2) / tf.maximum(counts, 1.0)  # [B, G]
    position = _grid_position(centres, middles, tf.reduce_max(index, axis=1) + 1)  # [B, L]
    grid = tf.range(tf.shape(members)[1], dtype=tf.float32)
    distance = tf.abs(position[:, :, None] - grid)  # [B, L, G]
    weights = _keys(distance) if kernel == "bicubic" else tf.maximum(1.0 - distance, 0.0)
    weights *= tf.cast(counts > 0, tf.float32)[:, None, :]
    return tf.math.divide_no_nan(weights, tf.reduce_sum(weights, axis=2, keepdims=True))


def _grid_position(points: tf.Tensor, middles: tf.Tensor, blocks: tf.Tensor) -> tf.Tensor:
    """Maps pixel positions to grid positions, piecewise linear, so that the middle of block g is at g.

    Args:
        points: float32 `(length,)`, in pixels.
        middles: float32 `(batch, grid)`, in pixels; the first `blocks` of them count.
        blocks: int32 `(batch,)`.

    Returns:
        float32 `(batch, length)`, 0 where there is one block only.
    """
    valid = tf.range(tf.shape(middles)[1])[None, :] < blocks[:, None]
    passed = (middles[:, None, :] <= points[None, :, None]) & valid[:, None, :]
    lower = tf.reduce_sum(tf.cast(passed, tf.int32), axis=2) - 1
    lower = tf.clip_by_value(lower, 0, tf.maximum(blocks[:, None] - 2, 0))
    upper = tf.minimum(lower + 1, tf.maximum(blocks[:, None] - 1, 0))
    start, stop = tf.gather(middles, lower, batch_dims=1), tf.gather(middles, upper, batch_dims=1)
    return tf.cast(lower, tf.float32) + tf.math.divide_no_nan(points[None, :] - start, stop - start)


def _keys(distance: tf.Tensor) -> tf.Tensor:
    """Cubic convolution kernel with a = -0.5 at distances >= 0 in grid steps."""
    near = (1.5 * distance - 2.5) * distance**2 + 1.0
    far = ((-0.5 * distance + 2.5) * distance - 4.0) * distance + 2.0
    return tf.where(distance < 1, near, tf.where(distance < 2, far, 0.0))


def _to_uint8(values: tf.Tensor) -> tf.Tensor:
    return tf.saturate_cast(tf.round(values), tf.uint8)
