"""The regions of a video's frames before they are tracked: looked for in every few frames, and at each scene cut."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Generic, NamedTuple, TypeVar

import numpy as np

from keras_deid.restoring.found import Region
from keras_deid.restoring.tracking import match

EVERY = 3
"""Regions are looked for in every third frame; in those between only where something came, went, or jumped."""
CUT = 0.45
"""Difference of two frames' histograms from which a new scene begins."""
_BINS = 4
_SAMPLES = 96

T = TypeVar("T")


class Sighting(NamedTuple, Generic[T]):
    """What is known of a frame.

    Attributes:
        frame: whatever the caller needs of it.
        regions: that were found; None if nobody looked.
        cut: whether a new scene begins with it.
    """

    frame: T
    regions: list[Region] | None
    cut: bool


class _Held(NamedTuple, Generic[T]):
    number: int
    frame: T
    pixels: np.ndarray


def sight(
    frames: Iterable[tuple[T, np.ndarray]], find: Callable[[np.ndarray, int], list[Region]], every: int = EVERY
) -> Iterator[Sighting[T]]:
    """Looks for regions in a video.

    Args:
        frames: each with its pixels, uint8 `(height, width, 3)`.
        find: finds the regions of a frame, given its pixels and its number from 0.
        every: 1 looks at all frames, k at every k-th one and, where its regions are not those of the one before, at
            those between them. The first and the last frame of a scene are always looked at.

    Yields:
        All frames in their order, at most `every` frames late.
    """
    held: list[_Held[T]] = []  # since the last frame that was looked at
    before: list[Region] = []
    histogram: np.ndarray | None = None

    def look() -> Iterator[Sighting[T]]:
        nonlocal before
        if not held:
            return
        last = find(held[-1].pixels, held[-1].number)
        moved = not _same(before, last)
        for between in held[:-1]:
            yield Sighting(between.frame, find(between.pixels, between.number) if moved else None, False)
        yield Sighting(held[-1].frame, last, False)
        before = last
        held.clear()

    for number, (frame, pixels) in enumerate(frames):
        new = colour_histogram(pixels)
        cut = histogram is not None and histogram_distance(histogram, new) >= CUT
        if number == 0 or cut:
            yield from look()
            before = find(pixels, number)
            yield Sighting(frame, before, cut)
        else:
            held.append(_Held(number, frame, pixels))
            if len(held) == every:
                yield from look()
        histogram = new
    yield from look()


def colour_histogram(pixels: np.ndarray) -> np.ndarray:
    """Returns the part of the pixels in each of 4 x 4 x 4 ranges of colour, float `(64,)`, sum 1."""
    step = max(min(pixels.shape[:2]) // _SAMPLES, 1)
    coarse = (pixels[::step, ::step] // (256 // _BINS)).astype(np.int64)
    cells = (coarse[..., 0] * _BINS + coarse[..., 1]) * _BINS + coarse[..., 2]
    return np.bincount(cells.ravel(), minlength=_BINS**3) / cells.size


def histogram_distance(first: np.ndarray, second: np.ndarray) -> float:
    """Returns the part of the pixels, in [0, 1], whose colours two histograms do not share."""
    return float(np.abs(first - second).sum() / 2)


def _same(first: Sequence[Region], second: Sequence[Region]) -> bool:
    pairs = match([region.box for region in first], [region.box for region in second])
    return len(first) == len(second) == len(pairs)
