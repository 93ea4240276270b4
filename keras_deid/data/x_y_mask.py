"""From pictures and the boxes of their faces to x, y and mask."""

from __future__ import annotations

import tensorflow as tf

from keras_deid.config import DeidentifyConfig
from keras_deid.data.deidentify import deidentify as hide_regions
from keras_deid.data.sources import PAIR_CHANNELS

Batch = tuple[tf.Tensor, tf.Tensor, tf.Tensor]


def x_y_mask(pictures: tf.Tensor, boxes: tf.Tensor, strength: tf.Tensor, deidentify: DeidentifyConfig) -> Batch:
    """Parts pairs; de-identifies every face of other pictures.

    Args:
        pictures: uint8 `(batch, height, width, channels)`, as in `Example`; the person mask may be missing.
        boxes: float32 `(batch, faces, 4)`, in pixels.
        strength: float32 `(batch, faces)`, in pixels.
        deidentify: how.
    """
    if pictures.shape[-1] == PAIR_CHANNELS:
        return pictures[..., :3], pictures[..., 3:6], tf.cast(pictures[..., 6:], tf.float32)
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
