"""The two conversions between uint8 pictures and the networks' [-1, 1]."""

from __future__ import annotations

from typing import Any

from keras import ops


def to_signed(pictures: Any) -> Any:
    """Maps pixel values in [0, 255] (uint8 or float, any shape) to float32 in [-1, 1]."""
    return ops.cast(pictures, "float32") / 127.5 - 1.0


def to_uint8(signed: Any) -> Any:
    """Maps values in [-1, 1] (any float dtype, any shape) to uint8 pixel values, rounded and clipped."""
    return ops.cast(ops.clip(ops.round((ops.cast(signed, "float32") + 1.0) * 127.5), 0.0, 255.0), "uint8")
