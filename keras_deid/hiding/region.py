"""Where a face is hidden: the rectangle around it, in whole pixels."""

from __future__ import annotations

import math

from keras_deid.boxes import Box, Rectangle


def region_around(
    face: Box, scale: float, picture_size: tuple[int, int], offset: tuple[float, float] = (0.0, 0.0)
) -> Rectangle:
    """Enlarges a face box about its centre, moves it, and cuts it to the picture.

    Args:
        face: pixels.
        scale: factor on width and height, > 0.
        picture_size: (height, width).
        offset: to the right and down, in widths and heights of the face.

    Returns:
        Whole pixels, at least one of them, inside the picture.
    """
    height, width = picture_size
    x0, y0, x1, y1 = face
    centre_x, centre_y = (x0 + x1) / 2 + offset[0] * (x1 - x0), (y0 + y1) / 2 + offset[1] * (y1 - y0)
    half_width, half_height = (x1 - x0) * scale / 2, (y1 - y0) * scale / 2
    left = min(max(math.floor(centre_x - half_width + 0.5), 0), width - 1)
    top = min(max(math.floor(centre_y - half_height + 0.5), 0), height - 1)
    right = min(max(math.floor(centre_x + half_width + 0.5), left + 1), width)
    bottom = min(max(math.floor(centre_y + half_height + 0.5), top + 1), height)
    return (left, top, right, bottom)
