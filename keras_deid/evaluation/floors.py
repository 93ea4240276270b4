"""What a restored picture is compared with: the input itself, and its block means enlarged without any learning.

A generator that does not pass bicubic enlargement has learned nothing that the neighbouring blocks do not say.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from keras_deid.data.deidentify import Kernel, Method, block_means_enlarged

KERNELS: tuple[Kernel, ...] = ("bilinear", "bicubic")


def floors(batch: Mapping[str, np.ndarray], method: Method) -> dict[str, np.ndarray]:
    """Returns the pictures that restored ones have to beat.

    Only a mosaic keeps block means: pictures de-identified by blur or by a solid box, and pairs whose blocks are not
    known (block 0), have no floor but the input.

    Args:
        batch: of `keras_deid.data.pipeline.evaluation_examples`: "x" and "y" uint8 `(batch, height, width, 3)`; "mask"
            `(batch, height, width, 1)`, 1 where de-identified; "region" float32 `(batch, 4)`, its boxes in pixels;
            "block" float32 `(batch,)`, the side of a mosaic block in pixels.
        method: how the batch was de-identified.

    Returns:
        uint8 `(batch, height, width, 3)` by name: "mosaic", the de-identified input whatever the method; for mosaics
        also "bilinear" and "bicubic", the block means enlarged inside the mask, the input elsewhere.
    """
    pictures = {"mosaic": batch["x"]}
    if method == "mosaic" and (batch["block"] > 0).all():
        for kernel in KERNELS:
            enlarged = np.asarray(block_means_enlarged(batch["y"], batch["region"], batch["block"], kernel))
            pictures[kernel] = np.where(batch["mask"] > 0.5, enlarged, batch["x"])
    return pictures
