"""Things that look like a hidden region but are not: soft focus, tiles, signs, text, coarse pictures.

A locator learns to leave them alone. Each function returns a new photograph, uint8 `(height, width, 3)`.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from keras_deid.hiding.methods import block_means


def soft(photograph: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Blurs the whole photograph, as a lens out of focus does."""
    return cv2.GaussianBlur(photograph, (0, 0), rng.uniform(0.6, 4.0))


def shallow_focus(photograph: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Blurs everything except a soft-edged part of the photograph, as a wide aperture does."""
    height, width = photograph.shape[:2]
    sharp = np.zeros((height // 8 + 1, width // 8 + 1), np.float32)
    centre = rng.integers(sharp.shape[1]), rng.integers(sharp.shape[0])
    axes = [max(int(side * rng.uniform(0.15, 0.5)), 1) for side in sharp.shape[::-1]]
    cv2.ellipse(sharp, [int(c) for c in centre], axes, 0, 0, 360, 1.0, -1)
    sharp = cv2.GaussianBlur(sharp, (0, 0), 0.08 * min(sharp.shape) + 1)
    weight = cv2.resize(sharp, (width, height), interpolation=cv2.INTER_LINEAR)[..., None]
    blurred = cv2.GaussianBlur(photograph, (0, 0), rng.uniform(2.0, 8.0)).astype(np.float32)
    return np.round(blurred + weight * (photograph - blurred)).astype(np.uint8)


def coarse(photograph: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Shows the whole photograph in blocks, like a small picture that was enlarged."""
    return block_means(photograph, float(rng.integers(2, 9)))


def overexposed(photograph: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Brightens the photograph until parts of it are plain white, or darkens it until parts are plain black."""
    levels = np.arange(256, dtype=np.float32)
    if rng.random() < 0.7:
        curve = levels * rng.uniform(1.2, 2.2)
    else:
        curve = (levels - rng.uniform(20, 90)) * rng.uniform(0.8, 1.4)
    return cv2.LUT(photograph, np.clip(np.round(curve), 0, 255).astype(np.uint8))


def tiles(photograph: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Draws a wall of tiles or panes, with joints, over a part of the photograph."""
    result = photograph.copy()
    x0, y0, x1, y1 = _part(photograph, rng, (0.1, 0.5))
    side = int(rng.integers(6, 40))
    base = rng.integers(0, 256, 3)
    rows, columns = -(-(y1 - y0) // side), -(-(x1 - x0) // side)
    shades = np.clip(base + rng.normal(0, rng.uniform(2, 30), (rows, columns, 3)), 0, 255).astype(np.uint8)
    wall = np.repeat(np.repeat(shades, side, axis=0), side, axis=1)[: y1 - y0, : x1 - x0].copy()
    joint = max(side // int(rng.integers(5, 14)), 1)
    colour = rng.integers(0, 256, 3).astype(np.uint8)
    offset = np.arange(max(wall.shape[:2])) % side < joint
    wall[offset[: wall.shape[0]]] = colour
    wall[:, offset[: wall.shape[1]]] = colour
    result[y0:y1, x0:x1] = wall
    return result


def sign(photograph: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Draws a plain panel, wider than a face or with text on it."""
    result = photograph.copy()
    x0, y0, x1, y1 = _part(photograph, rng, (0.05, 0.5))
    if rng.random() < 0.5:
        y1 = min(y1, y0 + max((x1 - x0) // int(rng.integers(3, 9)), 2))
    colour = tuple(int(level) for level in rng.integers(0, 256, 3))
    cv2.rectangle(result, (x0, y0), (x1 - 1, y1 - 1), colour, -1)
    size = max((x1 - x0) / 160, 0.3)
    ink = tuple(255 - level for level in colour)
    cv2.putText(result, _words(rng), (x0 + 2, (y0 + y1) // 2), int(rng.integers(0, 8)), size, ink, max(round(size), 1))
    return result


def text(photograph: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Writes captions and dates over the photograph."""
    result = photograph.copy()
    height, width = photograph.shape[:2]
    for _ in range(int(rng.integers(1, 4))):
        at = int(rng.integers(width)), int(rng.integers(height))
        colour = tuple(int(level) for level in rng.integers(0, 256, 3))
        size = float(rng.uniform(0.4, 3.0))
        cv2.putText(result, _words(rng), at, int(rng.integers(0, 8)), size, colour, max(round(size * 2), 1))
    return result


LOOKALIKES: tuple[Callable[[np.ndarray, np.random.Generator], np.ndarray], ...] = (
    soft,
    shallow_focus,
    coarse,
    overexposed,
    tiles,
    sign,
    text,
)

PANELS = (tiles, sign)
"""Those that would hide a face if they lay over it."""


def _part(photograph: np.ndarray, rng: np.random.Generator, sides: tuple[float, float]) -> tuple[int, int, int, int]:
    height, width = photograph.shape[:2]
    part_height, part_width = (max(int(side * rng.uniform(*sides)), 2) for side in (height, width))
    left, top = int(rng.integers(width - part_width + 1)), int(rng.integers(height - part_height + 1))
    return left, top, left + part_width, top + part_height


def _words(rng: np.random.Generator) -> str:
    letters = [chr(code) for code in (*range(65, 91), *range(97, 123), *range(48, 58), 32)]
    return "".join(rng.choice(letters, int(rng.integers(3, 14))))
