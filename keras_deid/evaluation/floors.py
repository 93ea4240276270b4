"""What a restored picture is compared with: the input itself, and its block means enlarged without any learning.

A generator that does not pass bicubic enlargement has learned nothing that the neighbouring blocks do not say.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import tensorflow as tf

from keras_deid.config import DeidentifyConfig
from keras_deid.data.deidentify import strength_in_pixels
from keras_deid.data.enlarging import Kernel, block_means_enlarged
from keras_deid.data.regions import region_mask, scale_boxes

KERNELS: tuple[Kernel, ...] = ("bilinear", "bicubic")


def floors(batch: Mapping[str, np.ndarray], deidentify: DeidentifyConfig) -> dict[str, np.ndarray]:
    """Returns the pictures that restored ones have to beat.

    Only a mosaic keeps block means: pictures de-identified by blur or by a solid box, and pairs whose blocks are not
    known (block 0), have no floor but the input.

    Args:
        batch: of `keras_deid.data.evaluation_examples`: "x" and "y" uint8 `(batch, height, width, 3)`;
            "boxes" float32 `(batch, faces, 4)`, what was de-identified, in pixels; "block" float32 `(batch,)`.
        deidentify: how the batch was de-identified.

    Returns:
        uint8 `(batch, height, width, 3)` by name: "mosaic", the de-identified input whatever the method; for mosaics
        also "bilinear" and "bicubic", the block means enlarged where the picture was de-identified, the input
        elsewhere.
    """
    pictures = {"mosaic": batch["x"]}
    if deidentify.method == "mosaic" and (batch["block"] > 0).all():
        for kernel in KERNELS:
            pictures[kernel] = _enlarged(batch, deidentify, kernel)
    return pictures


def _enlarged(batch: Mapping[str, np.ndarray], deidentify: DeidentifyConfig, kernel: Kernel) -> np.ndarray:
    picture = batch["x"]
    height, width = picture.shape[1:3]
    for boxes in np.moveaxis(batch["boxes"], 1, 0):  # one face of each picture at a time, as they were hidden
        regions = scale_boxes(boxes, deidentify.scale, height, width)
        block = strength_in_pixels(deidentify.block_size, boxes, deidentify.unit)
        inside = region_mask(regions, height, width, deidentify.shape) > 0
        picture = tf.where(inside, block_means_enlarged(batch["y"], regions, block, kernel), picture)
    return np.asarray(picture)
