"""From pictures and the boxes of their faces to x, y and mask."""

from __future__ import annotations

import tensorflow as tf

from keras_deid.config import DeidentifyConfig
from keras_deid.data.deidentify import deidentify as hide_regions
from keras_deid.data.enlarging import Kernel, block_means_enlarged
from keras_deid.data.regions import region_mask, scale_boxes
from keras_deid.data.sources import PAIR_CHANNELS

Batch = tuple[tf.Tensor, tf.Tensor, tf.Tensor]
KERNELS: tuple[Kernel, ...] = ("bilinear", "bicubic")


def x_y_mask(pictures: tf.Tensor, boxes: tf.Tensor, strength: tf.Tensor, deidentify: DeidentifyConfig) -> Batch:
    """Parts pairs; de-identifies every face of other pictures.

    Args:
        pictures: uint8 `(batch, height, width, channels)`, as in `Example`; the person mask may be missing.
        boxes: float32 `(batch, faces, 4)`, in pixels.
        strength: float32 `(batch, faces)`, in pixels.
        deidentify: how; not used for pairs.

    Raises:
        ValueError: if the method is "catalogue" and the pictures are not pairs: its pictures are hidden one by one.
    """
    if pictures.shape[-1] == PAIR_CHANNELS:
        return pictures[..., :3], pictures[..., 3:6], tf.cast(pictures[..., 6:], tf.float32)
    if deidentify.method == "catalogue":
        raise ValueError("Expected pairs: with method catalogue, pictures are hidden before they are batched")
    y = pictures[..., :3]
    x, mask = y, tf.zeros_like(y[..., :1], tf.float32)
    for face in tf.range(tf.shape(boxes)[1]):
        x, region = hide_regions(
            x,
            boxes[:, face],
            strength[:, face],
            method=deidentify.method,
            shape=deidentify.shape,
            scale=deidentify.scale,
        )
        mask = tf.maximum(mask, region)
    return x, y, mask


def enlarged_mosaics(
    x: tf.Tensor, y: tf.Tensor, boxes: tf.Tensor, strength: tf.Tensor, deidentify: DeidentifyConfig
) -> dict[str, tf.Tensor]:
    """Enlarges the block means of mosaics smoothly: what they give away without any learning.

    Args:
        x: de-identified pictures, uint8 `(batch, height, width, 3)`.
        y: the originals, the same.
        boxes: float32 `(batch, faces, 4)`, in pixels.
        strength: float32 `(batch, faces)`, the blocks in pixels.
        deidentify: how x came about.

    Returns:
        uint8 `(batch, height, width, 3)` by kernel: enlarged where the picture was de-identified, x elsewhere. Empty
        unless the method is "mosaic": a blur and a solid box keep no block means.
    """
    if deidentify.method != "mosaic":
        return {}
    height, width = x.shape[1:3]
    pictures: dict[str, tf.Tensor] = dict.fromkeys(KERNELS, x)
    for face in range(boxes.shape[1]):  # in the order in which they were hidden
        regions = scale_boxes(boxes[:, face], deidentify.scale, height, width)
        inside = region_mask(regions, height, width, deidentify.shape) > 0
        for kernel in KERNELS:
            enlarged = block_means_enlarged(y, regions, strength[:, face], kernel)
            pictures[kernel] = tf.where(inside, enlarged, pictures[kernel])
    return pictures
