"""Boxes from CSV files: `path,x0,y0,x1,y1` and, for videos, `frame`."""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from keras_deid.boxes import Box
from keras_deid.data.names import printable
from keras_deid.errors import UserError

CSV_COLUMNS = ("path", "x0", "y0", "x1", "y1")

_FARTHEST = 1e9
"""Pixels: no picture reaches so far."""


class ListedBox(NamedTuple):
    """A box from a file, with the line it stands in, to be named when it does not fit its photograph."""

    line: int
    box: Box


class FrameBox(NamedTuple):
    """A box from a file of boxes for videos: with the number of its frame, from 0; None stands for every frame."""

    line: int
    box: Box
    frame: int | None


class NamedBox(NamedTuple):
    """A row of a file of boxes: with the path, as it is written, of the photograph or video that it belongs to."""

    path: str
    line: int
    box: Box
    frame: int | None


def read_boxes_csv(path: Path) -> dict[str, list[ListedBox]]:
    """Reads face boxes from a CSV file with the columns `path,x0,y0,x1,y1`, in any order; others are not used.

    Args:
        path: the file, UTF-8. Paths in it are relative to the folder of photographs, with `/` between folders.

    Returns:
        For each path, as it is written, its boxes, in the file's order.

    Raises:
        UserError: if the file is missing, is not UTF-8 text, lacks a column or has it twice, or has a line with a wrong
            number of fields, a value that is not a finite number, or an empty box. The message names the line.
    """
    listed: dict[str, list[ListedBox]] = {}
    for row in _read(path, with_frames=False):
        listed.setdefault(row.path, []).append(ListedBox(row.line, row.box))
    return listed


def read_frame_boxes_csv(path: Path) -> dict[str, list[FrameBox]]:
    """Reads boxes of pictures and videos: as `read_boxes_csv`, perhaps with a column `frame`.

    Args:
        path: the file, UTF-8.

    Returns:
        For each path, as it is written, its boxes, in the file's order.

    Raises:
        UserError: as `read_boxes_csv`; or if a frame is neither empty nor a whole number from 0.
    """
    listed: dict[str, list[FrameBox]] = {}
    for row in _read(path, with_frames=True):
        listed.setdefault(row.path, []).append(FrameBox(row.line, row.box, row.frame))
    return listed


def stream_boxes(path: Path | str, lines: Iterable[str], with_frames: bool) -> Iterator[NamedBox]:
    """Yields the rows of a file of boxes one by one.

    Args:
        path: names the file in messages.
        lines: its text; line ends are kept, and bytes that are no text are in surrogates.
        with_frames: whether a column `frame` is read.

    Raises:
        UserError: as `read_boxes_csv` and `read_frame_boxes_csv`, when the bad line is reached.
    """
    for line, fields in _split_rows(path, lines):
        where = f"{path}:{line}"
        frame = _parse_frame(where, fields.get("frame", "")) if with_frames else None
        yield NamedBox(fields["path"], line, _parse_box(where, fields), frame)


def no_such_file(file: Path | str, line: int, written: str, what: str) -> UserError:
    """Returns the error for a path in a line of a file that names nothing."""
    if printable(written) != written:
        return UserError(f"{file}: is not UTF-8 text; save the CSV file as UTF-8")
    return UserError(f"{file}:{line}: there is no {what} {written.strip()}; give paths relative to the folder")


def outside(file: Path | str, line: int, box: Box, name: str, size: tuple[int, int]) -> str:
    """Says that a box lies outside of its picture, whose size is (height, width)."""
    corners = ",".join(f"{edge:g}" for edge in box)
    return f"{file}:{line}: the box {corners} lies outside of {name}, which is {size[1]} x {size[0]} pixels"


def _read(path: Path, with_frames: bool) -> Iterator[NamedBox]:
    try:
        # A name of a file may be no text; Python keeps its bytes, here as well as when it lists a folder.
        with open(path, newline="", encoding="utf-8-sig", errors="surrogateescape") as file:
            yield from stream_boxes(path, file, with_frames)
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror}); give --boxes a CSV file") from error


def _split_rows(path: Path | str, lines: Iterable[str]) -> Iterator[tuple[int, dict[str, str]]]:
    rows = csv.reader(lines, strict=True)
    expected = ",".join(CSV_COLUMNS)
    header: list[str] | None = None
    try:
        for row in rows:
            if not any(field.strip() for field in row):
                continue
            if header is None:
                header = [name.strip() for name in row]
                if not all(name.isascii() for name in header) and not set(CSV_COLUMNS) <= set(header):
                    raise UserError(f"{path}: is not UTF-8 text; save the CSV file as UTF-8")
                if sorted(name for name in header if name in CSV_COLUMNS) != sorted(CSV_COLUMNS):
                    raise UserError(
                        f"{path}:{rows.line_num}: expected the columns {expected}; received {','.join(header)}"
                    )
                continue
            if len(row) != len(header):
                raise UserError(
                    f"{path}:{rows.line_num}: expected {len(header)} fields ({','.join(header)}); received {len(row)}"
                )
            yield rows.line_num, dict(zip(header, row, strict=True))
    except csv.Error as error:
        raise UserError(f"{path}:{rows.line_num}: is not valid CSV ({error})") from error
    if header is None:
        raise UserError(f"{path}: is empty; expected a first line {expected}")


def _parse_frame(where: str, text: str) -> int | None:
    if not text.strip():
        return None
    if not re.fullmatch(r"\s*[0-9]{1,18}\s*", text):
        raise UserError(f"{where}: expected the number of a frame, from 0, or nothing; received {text.strip()!r}")
    return int(text)


def _parse_box(where: str, fields: dict[str, str]) -> Box:
    if not fields["path"].strip():
        raise UserError(f"{where}: the path is empty; name the photograph that the box belongs to")
    values = []
    for column in CSV_COLUMNS[1:]:
        try:
            value = float(fields[column])
        except ValueError:
            value = math.nan
        if not abs(value) <= _FARTHEST:
            raise UserError(f"{where}: expected a number of pixels in {column}; received {fields[column].strip()!r}")
        values.append(value)
    x0, y0, x1, y1 = values
    if not (x0 < x1 and y0 < y1):
        raise UserError(f"{where}: expected x0 < x1 and y0 < y1; received {x0:g},{y0:g},{x1:g},{y1:g}")
    return (x0, y0, x1, y1)
