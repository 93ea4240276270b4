"""Restoring without learning: what the restorer is compared with."""

from __future__ import annotations

import cv2
import numpy as np

from keras_deid.boxes import Rectangle
from keras_deid.hiding.kinds import Grid, Hidden

INPAINT_RADIUS = 3
"""Pixels around a hidden pixel that inpainting looks at."""
INPAINT_SIDE = 256
"""Regions are inpainted at no more pixels on their longer side, margin included; it is slow."""
_MARGIN = 2 * INPAINT_RADIUS


def enlarge_blocks(hidden: Hidden) -> np.ndarray:
    """Replaces each mosaic by the bicubic enlargement of its block means.

    Args:
        hidden: a photograph with hidden faces; a region without blocks stays as it is.

    Returns:
        uint8, of the shape of `hidden.picture`.
    """
    restored = hidden.picture.copy()
    for region, grid in zip(hidden.regions, hidden.grids, strict=True):
        if grid is not None:
            _lay_over(restored, _enlarged(hidden.picture, hidden.mask, region, grid), hidden.mask, region)
    return restored


def inpaint(hidden: Hidden) -> np.ndarray:
    """Fills the hidden pixels in from what surrounds them.

    Args:
        hidden: a photograph with hidden faces.

    Returns:
        uint8, of the shape of `hidden.picture`.

    Reference:
        [Telea, 2004](https://doi.org/10.1080/10867651.2004.10487596), as OpenCV has it.
    """
    restored = hidden.picture.copy()
    height, width = restored.shape[:2]
    for x0, y0, x1, y1 in hidden.regions:
        region = max(x0 - _MARGIN, 0), max(y0 - _MARGIN, 0), min(x1 + _MARGIN, width), min(y1 + _MARGIN, height)
        left, top, right, bottom = region
        own_size = right - left, bottom - top
        scale = min(1.0, INPAINT_SIDE / max(own_size))
        size = max(round(own_size[0] * scale), 1), max(round(own_size[1] * scale), 1)
        around = cv2.resize(hidden.picture[top:bottom, left:right], size, interpolation=cv2.INTER_AREA)
        inside = cv2.resize(hidden.mask[top:bottom, left:right], size, interpolation=cv2.INTER_AREA) > 0
        filled = cv2.inpaint(around, inside.astype(np.uint8), INPAINT_RADIUS, cv2.INPAINT_TELEA)
        _lay_over(restored, cv2.resize(filled, own_size, interpolation=cv2.INTER_CUBIC), hidden.mask, region)
    return restored


def _enlarged(picture: np.ndarray, mask: np.ndarray, region: Rectangle, grid: Grid) -> np.ndarray:
    """Returns the region's pixels, float32: the means of the hidden pixels of each block, enlarged."""
    x0, y0, x1, y1 = region
    pixels = picture[y0:y1, x0:x1].astype(np.float32)
    # A block without a hidden pixel takes the mean of those that it has.
    weights = np.maximum(mask[y0:y1, x0:x1, None] > 0.5, np.float32(1e-3)).astype(np.float32)
    across = (np.arange(x0, x1, dtype=np.float32) + 0.5 - grid.left) / grid.width
    down = (np.arange(y0, y1, dtype=np.float32) + 0.5 - grid.top) / grid.height
    columns, rows = _starts(across), _starts(down)
    sums, counts = (
        np.add.reduceat(np.add.reduceat(values, rows, axis=0), columns, axis=1)
        for values in (pixels * weights, weights)
    )
    # The mean of block i belongs to its centre, i + 0.5.
    map_x, map_y = np.meshgrid(across - 0.5 - np.floor(across[0]), down - 0.5 - np.floor(down[0]))
    return cv2.remap(sums / counts, map_x, map_y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)


def _starts(blocks: np.ndarray) -> np.ndarray:
    index = np.floor(blocks)
    return np.flatnonzero(np.diff(index, prepend=index[0] - 1))


def _lay_over(picture: np.ndarray, pixels: np.ndarray, mask: np.ndarray, region: Rectangle) -> None:
    x0, y0, x1, y1 = region
    below = picture[y0:y1, x0:x1]
    mixed = below + mask[y0:y1, x0:x1, None] * (pixels.astype(np.float32) - below)
    below[:] = np.clip(np.round(mixed), 0, 255).astype(np.uint8)
