"""Restored faces of a video that stay steady over time, and how much they flicker."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from keras_deid.boxes import Rectangle
from keras_deid.data.images import resize_image

WEIGHT = 0.75
"""Part of the restored square that comes from the frames before, while nothing moves."""
CHANGED = 24.0
"""Levels of 255 by which the seen square differs in the mean where the frames before have no part any more."""
STILL = 4.0
"""Levels of 255 by which a seen square may differ in the mean from the one restored last that is shown in its place."""
_COMPARED = 16
"""Side at which two squares are compared: noise and the grid of a mosaic are averaged out."""


class Steady:
    """Smooths the restored squares of each track over time.

    A square moves with its region, so what is smoothed is the face and not the place. The answer of a frame is mixed
    with the smoothed one of the frame before by `s_t = w s_(t-1) + (1 - w) a_t`; the more the hidden region itself has
    changed, the smaller is w. Where it has hardly changed, every second frame shows the square of the frame before and
    is not restored.

    Args:
        weight: w where nothing changes, in [0, 1); 0 turns smoothing off.
        changed: mean difference of the squares that the model saw, in levels of 255, from which w is 0.
        still: mean difference to the square that was restored last, up to which it is shown again; below 0 never.
    """

    def __init__(self, weight: float = WEIGHT, changed: float = CHANGED, still: float = STILL) -> None:
        self._weight = weight
        self._changed = changed
        self._still = still
        self._seen: dict[int, np.ndarray] = {}
        self._before: dict[int, tuple[np.ndarray, np.ndarray]] = {}

    def repeats(self, track: int, seen: np.ndarray) -> bool:
        """Whether a frame shows the square of the frame before; never two frames in a row.

        Args:
            track: to which it belongs.
            seen: what the model would see, uint8 `(size, size, 3)`.
        """
        small = _small(seen)
        restored = self._seen.pop(track, None)
        if restored is not None and float(np.abs(small - restored).mean()) <= self._still:
            return True
        self._seen[track] = small
        return False

    def repeat(self, track: int) -> np.ndarray:
        """Returns the smoothed square of the frame before, uint8 `(side, side, 3)`."""
        return _whole_levels(self._before[track][1])

    def smooth(self, track: int, seen: np.ndarray, answer: np.ndarray) -> np.ndarray:
        """Returns the smoothed square.

        Args:
            track: to which it belongs.
            seen: what the model saw, uint8 `(size, size, 3)`.
            answer: what it made of it, uint8 `(side, side, 3)`.

        Returns:
            As `answer`.
        """
        small = _small(seen)
        smoothed = answer.astype(np.float32)
        if track in self._before:
            small_before, before = self._before[track]
            difference = float(np.abs(small - small_before).mean())
            weight = self._weight * max(1.0 - difference / self._changed, 0.0)
            if before.shape != smoothed.shape:
                before = resize_image(before, smoothed.shape[:2])
            smoothed = weight * before + (1.0 - weight) * smoothed
        self._before[track] = (small, smoothed)
        return _whole_levels(smoothed)

    def keep(self, tracks: set[int]) -> None:
        """Forgets all tracks but these."""
        self._before = {track: state for track, state in self._before.items() if track in tracks}
        self._seen = {track: seen for track, seen in self._seen.items() if track in tracks}


def _small(seen: np.ndarray) -> np.ndarray:
    return resize_image(seen, (_COMPARED, _COMPARED)).astype(np.float32)


def _whole_levels(square: np.ndarray) -> np.ndarray:
    return np.clip(np.round(square), 0, 255).astype(np.uint8)


def flicker(frames: Sequence[np.ndarray], boxes: Sequence[Rectangle]) -> float:
    """Mean absolute difference of consecutive frames inside a region.

    Compare it with that of the original frames: what moves there differs from frame to frame, too.

    Args:
        frames: uint8 `(height, width, 3)`, at least two.
        boxes: `(x0, y0, x1, y1)` of the region in each frame; two frames are compared within the later one's.

    Returns:
        Levels of 255.

    Raises:
        ValueError: if there are fewer than two frames, or not as many boxes.
    """
    if len(frames) < 2 or len(frames) != len(boxes):
        raise ValueError(f"Expected two frames or more and a box for each. Received: {len(frames)}, {len(boxes)}")
    differences = []
    for before, after, (x0, y0, x1, y1) in zip(frames, frames[1:], boxes[1:], strict=False):
        inside = np.s_[y0:y1, x0:x1]
        differences.append(np.abs(after[inside].astype(np.float32) - before[inside]).mean())
    return float(np.mean(differences))
