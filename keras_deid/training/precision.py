"""The precision that networks are trained in."""

from __future__ import annotations

import keras
import tensorflow as tf


def set_precision(precision: str) -> str:
    """Sets Keras's global dtype policy and returns its name; `auto`: float16 on a GPU, float32 on a CPU."""
    if precision == "auto":
        precision = "mixed_float16" if tf.config.list_physical_devices("GPU") else "float32"
    keras.mixed_precision.set_dtype_policy(precision)
    return precision
