"""Joins the regions that are found in the frames of a video to tracks, so that they do not flicker in and out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from keras_deid.boxes import Box, iou
from keras_deid.data.images import resize_image
from keras_deid.restoring.found import Region

GAP = 8
"""Most frames in which a region may be missed and is bridged."""
LEAST = 4
"""Frames in which a region has to be seen, unless it is `SURE`."""
SURE = 0.9
"""Score from which a region of few frames is believed."""
RADIUS = 2
"""Frames before and after that a box is averaged with."""
SAME = 0.25
"""Least intersection over union of two frames' boxes of the same region."""


class TrackedRegion(NamedTuple):
    """A region of a frame.

    Attributes:
        region: where it is.
        track: number of its track.
    """

    region: Region
    track: int


def match(first: Sequence[Box], second: Sequence[Box], least: float = SAME) -> list[tuple[int, int]]:
    """Pairs boxes, those that overlap most first, each at most once.

    Args:
        first: boxes of one frame.
        second: boxes of another one.
        least: intersection over union that a pair needs.

    Returns:
        Indices into both, in the order of `first`.
    """
    overlaps = [(iou(one, other), i, j) for i, one in enumerate(first) for j, other in enumerate(second)]
    pairs: dict[int, int] = {}
    for overlap, i, j in sorted(overlaps, key=lambda item: -item[0]):
        if overlap >= least and i not in pairs and j not in pairs.values():
            pairs[i] = j
    return sorted(pairs.items())


class Track:
    """A region over time.

    Args:
        number: of the track.
        frame: in which it was seen first.
        region: what was seen.
        order: place of the region among those of its frame.
    """

    def __init__(self, number: int, frame: int, region: Region, order: int) -> None:
        self.number = number
        self.first = self.last = frame
        self.seen = 1
        self.score = region.score
        self._observed = {frame: (region, order)}

    def add(self, frame: int, region: Region, order: int, located_before: int) -> None:
        """Adds what was seen in a later frame.

        `located_before` is the last frame before it in which regions were looked for. The frames between the two count
        as seen if the region was there, too.
        """
        self.seen += frame - self.last if self.last == located_before else 1
        self.score = max(self.score, region.score)
        self.last = frame
        self._observed[frame] = (region, order)

    def forget(self, before: int) -> None:
        """Forgets observations that no frame from `before` on needs."""
        old = [frame for frame in self._observed if frame <= before]
        for frame in old[:-1]:
            del self._observed[frame]

    def latest(self) -> Box:
        """Returns where the region was seen last."""
        return self._observed[self.last][0].box

    def expected(self, frame: int) -> Box:
        """Returns where the region would be in a later frame if it moved on as it did last; its size stays."""
        box = self._box(self.last)
        frames = list(self._observed)
        if len(frames) < 2:
            return _as_box(box)
        before = self._box(frames[-2])
        moved = (_centre(box) - _centre(before)) * (frame - self.last) / (self.last - frames[-2])
        return _as_box(box + np.tile(moved, 2))

    def at(self, frame: int, radius: int) -> tuple[Region, int]:
        """Returns the region of a frame from `first` to `last`, and its place among those of the frame.

        The box is interpolated where it was not seen, and is the mean over as many frames before as after: it does not
        lag behind.
        """
        radius = min(radius, frame - self.first, self.last - frame)
        mean = np.mean([self._box(near) for near in range(frame - radius, frame + radius + 1)], axis=0)
        x0, y0, x1, y1 = (int(edge) for edge in np.floor(mean + 0.5))
        nearest = min(self._observed, key=lambda seen: abs(seen - frame))
        region, order = self._observed[nearest]
        if region.box == (x0, y0, x1, y1):
            return region, order
        opacity = region.opacity
        if opacity is not None and opacity.shape != (y1 - y0, x1 - x0):
            opacity = np.clip(resize_image(opacity, (y1 - y0, x1 - x0)), 0.0, 1.0)
        return Region((x0, y0, x1, y1), region.score, opacity), order

    def _box(self, frame: int) -> np.ndarray:
        if frame in self._observed:
            return np.array(self._observed[frame][0].box, float)
        before = max(seen for seen in self._observed if seen < frame)
        after = min(seen for seen in self._observed if seen > frame)
        part = (frame - before) / (after - before)
        return (1 - part) * self._box(before) + part * self._box(after)


class Tracker:
    """Turns the regions of single frames into regions that stay, a few frames later.

    Regions of neighbouring frames that overlap belong to one track. A track goes on through frames in which the region
    was missed; one that is short and unsure is dropped; a cut ends all.

    Args:
        gap: most frames in which a region may be missed.
        least: frames in which a region has to be seen, or all of its shot if that is shorter.
        sure: score from which it need not.
        radius: frames before and after that a box is averaged with.
    """

    def __init__(self, gap: int = GAP, least: int = LEAST, sure: float = SURE, radius: int = RADIUS) -> None:
        self._gap, self._least, self._sure, self._radius = gap, least, sure, radius
        self.delay = max(gap + 1 + radius if gap or radius else 0, least - 1)
        self._tracks: list[Track] = []
        self._made = 0
        self._next = 0  # frame to come
        self._final = 0  # frame to give out
        self._shot_starts = [0]
        self._located = -1

    def push(self, regions: Sequence[Region] | None, *, cut: bool = False) -> list[list[TrackedRegion]]:
        """Takes the regions of the next frame.

        Args:
            regions: what was found; None if nobody looked: then it must not be a frame at a cut or before one, nor the
                first or the last one.
            cut: whether a new shot begins with this frame.

        Returns:
            The regions of the frames that have become final, in the order of the frames.
        """
        frame = self._next
        self._next += 1
        if cut:
            self._shot_starts.append(frame)
        if regions is not None:
            self._join(frame, regions)
            self._located = frame
        return self._give_out(self._next - self.delay)

    def finish(self) -> list[list[TrackedRegion]]:
        """Returns the regions of the frames that are left."""
        return self._give_out(self._next)

    def _join(self, frame: int, regions: Sequence[Region]) -> None:
        start = self._shot_starts[-1]
        alive = [track for track in self._tracks if track.first >= start and frame - track.last - 1 <= self._gap]
        free = dict(enumerate(regions))
        # Where it is expected; and, as what moves may stop or turn, where it was.
        for place in (lambda track: track.expected(frame), Track.latest):
            numbers = list(free)
            for index, found in match([place(track) for track in alive], [free[number].box for number in numbers]):
                number = numbers[found]
                alive[index].add(frame, free.pop(number), number, self._located)
            alive = [track for track in alive if track.last < frame]
        for number, region in free.items():
            self._tracks.append(Track(self._made, frame, region, number))
            self._made += 1

    def _give_out(self, end: int) -> list[list[TrackedRegion]]:
        result = []
        while self._final < end:
            result.append(self._at(self._final))
            self._final += 1
        while len(self._shot_starts) > 1 and self._shot_starts[1] <= self._final:
            del self._shot_starts[0]
        oldest = self._final - self._radius
        self._tracks = [track for track in self._tracks if track.last >= min(oldest, self._next - self._gap - 1)]
        for track in self._tracks:
            track.forget(oldest)
        return result

    def _at(self, frame: int) -> list[TrackedRegion]:
        start = max(shot for shot in self._shot_starts if shot <= frame)
        end = min((shot for shot in self._shot_starts if shot > frame), default=self._next)
        least = min(self._least, end - start)
        found = []
        for track in self._tracks:
            if track.first <= frame <= track.last and (track.seen >= least or track.score >= self._sure):
                region, order = track.at(frame, self._radius)
                found.append((order, TrackedRegion(region, track.number)))
        return [tracked for _, tracked in sorted(found, key=lambda item: item[0])]


def _centre(box: np.ndarray) -> np.ndarray:
    return (box[:2] + box[2:]) / 2


def _as_box(box: np.ndarray) -> Box:
    x0, y0, x1, y1 = (float(edge) for edge in box)
    return (x0, y0, x1, y1)
