"""What a restored picture is compared with: the input itself, and its block means enlarged without any learning.

A generator that does not exceed bicubic enlargement has learned nothing that the neighbouring blocks do not tell.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from keras_deid.data.x_y_mask import KERNELS

INPUT = "input"
BICUBIC = "bicubic"


def baselines(batch: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Returns the pictures that restored ones have to beat.

    Args:
        batch: of `keras_deid.data.evaluation_examples`, with `KERNELS`.

    Returns:
        uint8 `(batch, height, width, 3)` by name: "input", the de-identified pictures whatever the method; where these
        are mosaics of known blocks also "bilinear" and "bicubic", the block means enlarged.
    """
    return {INPUT: batch["x"], **{kernel: batch[kernel] for kernel in KERNELS if kernel in batch}}
