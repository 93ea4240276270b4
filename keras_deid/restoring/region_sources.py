"""What says which regions of a picture are to be restored: a locator, or a file of boxes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from keras_deid.boxes import lies_outside
from keras_deid.data.boxes_csv import FrameBox, no_such_file, outside, read_frame_boxes_csv
from keras_deid.data.images import ImageError
from keras_deid.data.names import Names
from keras_deid.errors import UserError
from keras_deid.restoring.found import Region, given_region
from keras_deid.restoring.locate import THRESHOLD, find_regions
from keras_deid.restoring.looks import Mark

_ByFrame = dict[int | None, list[FrameBox]]
"""Boxes by their frame; those of None are in every frame."""


class RegionSource(Protocol):
    """Says which regions are to be restored.

    Attributes:
        settings: what a manifest notes of it: the same settings give the same regions.
        estimated: whether it may miss regions or see some that are not there; those of a video are then tracked.
        complaints: what could not be done, in words, once all files are restored.
    """

    settings: dict[str, Any]
    estimated: bool

    @property
    def complaints(self) -> list[str]:
        """Boxes that could not be restored, for the user to read."""
        ...

    def check(self, sources: dict[str, Path], videos: Iterable[str]) -> None:
        """Looks at the names of all files, before the first one is restored.

        Raises:
            UserError: if they do not fit.
        """
        ...

    def regions(self, name: str, path: Path, picture: np.ndarray, frame: int | None = None) -> list[Region]:
        """Returns the regions of a picture.

        Args:
            name: of the file, as in a CSV.
            path: of the file, for errors.
            picture: uint8 `(height, width, 3)`, RGB.
            frame: number of the frame in a video, from 0.

        Raises:
            ImageError: if a region cannot be restored.
        """
        ...


class Located:
    """Regions that a locator finds.

    Args:
        mark: the locator, see `keras_deid.restoring.locate`.
        identity: differs between locators.
        threshold: least score, in (0, 1).

    Raises:
        UserError: if the threshold is out of its range.
    """

    estimated = True
    complaints: list[str] = []

    def __init__(self, mark: Mark, identity: str, threshold: float = THRESHOLD) -> None:
        if not 0 < threshold < 1:
            raise UserError(f"threshold: expected a number between 0 and 1, received {threshold}")
        self._mark = mark
        self._threshold = threshold
        self.settings: dict[str, Any] = {"locator_sha256": identity, "threshold": threshold}

    def check(self, sources: dict[str, Path], videos: Iterable[str]) -> None:
        """Accepts every file."""

    def regions(self, name: str, path: Path, picture: np.ndarray, frame: int | None = None) -> list[Region]:
        """Finds the regions."""
        return find_regions(self._mark, picture, self._threshold)


class Listed:
    """Regions from a CSV file, see `keras_deid.data.boxes_csv.read_frame_boxes_csv`.

    Args:
        path: the file; without `rows` it is read.
        rows: its rows by path, or those of the pictures that are asked for.
        sha256: of the whole file; needed with `rows`.

    Raises:
        UserError: if it cannot be read.
    """

    estimated = False

    def __init__(
        self, path: Path | str, rows: dict[str, list[FrameBox]] | None = None, sha256: str | None = None
    ) -> None:
        self._path = path
        self._written = read_frame_boxes_csv(Path(path)) if rows is None else rows
        self._boxes: dict[str, _ByFrame] = {}
        self._restored: set[tuple[str, int | None]] = set()
        self._outside: dict[int, str] = {}
        self.settings: dict[str, Any] = {"boxes_sha256": sha256 or hashlib.sha256(Path(path).read_bytes()).hexdigest()}

    @property
    def complaints(self) -> list[str]:
        """Boxes outside of their pictures, and frames that restored videos do not have, each with its line."""
        found = dict(self._outside)
        for name in {name for name, frame in self._restored if frame is not None}:
            for frame, rows in self._boxes.get(name, {}).items():
                if frame is not None and (name, frame) not in self._restored:
                    found |= {row.line: f"{self._path}:{row.line}: {name} has no frame {frame}" for row in rows}
        return [found[line] for line in sorted(found)]

    def check(self, sources: dict[str, Path], videos: Iterable[str]) -> None:
        """Refuses boxes of files that are not there, and frames of pictures."""
        has_frames, names = set(videos), Names(sources)
        for written, rows in self._written.items():
            name = names.find(written)
            if name is None:
                raise no_such_file(self._path, rows[0].line, written, "file")
            for row in rows:
                if row.frame is not None and name not in has_frames:
                    raise UserError(
                        f"{self._path}:{row.line}: {name} is a picture and has no frames; leave the frame out"
                    )
        self._boxes = {name: {} for name in sources}
        for written, rows in self._written.items():
            name = names.find(written)
            if name is not None:
                _add(self._boxes[name], rows)

    def regions(self, name: str, path: Path, picture: np.ndarray, frame: int | None = None) -> list[Region]:
        """Returns the boxes of the picture, those of all frames and those of the frame.

        What of a box reaches beyond the picture is cut off; one that lies outside is left out, see `complaints`.
        """
        self._restored.add((name, frame))
        boxes, size = self._boxes_of(name), picture.shape[:2]
        regions = []
        for row in (*boxes.get(None, ()), *(boxes.get(frame, ()) if frame is not None else ())):
            if lies_outside(row.box, size):
                self._outside[row.line] = outside(self._path, row.line, row.box, name, size)
                continue
            try:
                regions.append(given_region(row.box, size))
            except ValueError as error:
                raise ImageError(path, f"{self._path}:{row.line}: {error}") from error
        return regions

    def _boxes_of(self, name: str) -> _ByFrame:
        if name not in self._boxes:  # not checked before
            boxes: _ByFrame = {}
            for written, rows in self._written.items():
                if Names([name]).find(written):
                    _add(boxes, rows)
            self._boxes[name] = boxes
        return self._boxes[name]


def _add(boxes: _ByFrame, rows: Iterable[FrameBox]) -> None:
    for row in rows:
        boxes.setdefault(row.frame, []).append(row)
