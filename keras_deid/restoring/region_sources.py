"""What says which regions of a picture are to be restored: a locator, or a file of boxes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from keras_deid.data.boxes_csv import FrameBox, read_frame_boxes_csv
from keras_deid.data.images import ImageError
from keras_deid.errors import UserError
from keras_deid.restoring.found import Region, given_region
from keras_deid.restoring.locate import THRESHOLD, Mark, find_regions


class RegionSource(Protocol):
    """Says which regions are to be restored.

    Attributes:
        settings: what a manifest notes of it: the same settings give the same regions.
        estimated: whether it may miss regions or see some that are not there; those of a video are then tracked.
    """

    settings: dict[str, Any]
    estimated: bool

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
            ImageError: if a region does not fit the picture.
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
        rows: its rows, or those of the pictures that are asked for.
        sha256: of the whole file; needed with `rows`.

    Raises:
        UserError: if it cannot be read.
    """

    estimated = False

    def __init__(
        self, path: Path | str, rows: dict[str, list[FrameBox]] | None = None, sha256: str | None = None
    ) -> None:
        self._path = path
        self._boxes = read_frame_boxes_csv(Path(path)) if rows is None else rows
        self.settings: dict[str, Any] = {"boxes_sha256": sha256 or hashlib.sha256(Path(path).read_bytes()).hexdigest()}

    def check(self, sources: dict[str, Path], videos: Iterable[str]) -> None:
        """Refuses boxes of files that are not there, and frames of pictures."""
        has_frames = set(videos)
        for name, rows in self._boxes.items():
            if name not in sources:
                raise UserError(
                    f"{self._path}:{rows[0].line}: there is no file {name}; give paths relative to the folder"
                )
            for row in rows:
                if row.frame is not None and name not in has_frames:
                    raise UserError(
                        f"{self._path}:{row.line}: {name} is a picture and has no frames; leave the frame out"
                    )

    def regions(self, name: str, path: Path, picture: np.ndarray, frame: int | None = None) -> list[Region]:
        """Returns the boxes of the picture, those of the frame and those of all frames."""
        rows = [row for row in self._boxes.get(name, ()) if row.frame is None or row.frame == frame]
        rows.sort(key=lambda row: row.frame is not None)
        try:
            return [given_region(row.box, picture.shape[:2]) for row in rows]
        except ValueError as error:
            height, width = picture.shape[:2]
            bad = next(row for row in rows if not _touches(row.box, height, width))
            corners = ",".join(f"{edge:g}" for edge in bad.box)
            raise ImageError(path, f"the box {corners} lies outside of its {width} x {height} pixels") from error


def _touches(box: tuple[float, float, float, float], height: int, width: int) -> bool:
    return box[0] < width and box[1] < height and box[2] > 0 and box[3] > 0
