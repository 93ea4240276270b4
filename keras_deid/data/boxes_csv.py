"""Boxes from CSV files: `path,x0,y0,x1,y1` and, for videos, `frame`."""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Iterable
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
    for line, fields in _read_rows(path):
        box = _parse_box(f"{path}:{line}", fields)
        listed.setdefault(fields["path"], []).append(ListedBox(line, box))
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
    for line, fields in _read_rows(path):
        where = f"{path}:{line}"
        row = FrameBox(line, _parse_box(where, fields), _parse_frame(where, fields.get("frame", "")))
        listed.setdefault(fields["path"], []).append(row)
    return listed


def no_such_file(file: Path, line: int, written: str, what: str) -> UserError:
    """Returns the error for a path in a line of a file that names nothing."""
    if printable(written) != written:
        return UserError(f"{file}: is not UTF-8 text; save the CSV file as UTF-8")
    return UserError(f"{file}:{line}: there is no {what} {written.strip()}; give paths relative to the folder")


def outside(file: Path, line: int, box: Box, name: str, size: tuple[int, int]) -> str:
    """Says that a box lies outside of its picture, whose size is (height, width)."""
    corners = ",".join(f"{edge:g}" for edge in box)
    return f"{file}:{line}: the box {corners} lies outside of {name}, which is {size[1]} x {size[0]} pixels"


def _read_rows(path: Path) -> list[tuple[int, dict[str, str]]]:
    try:
        # A name of a file may be no text; Python keeps its bytes, here as well as when it lists a folder.
        with open(path, newline="", encoding="utf-8-sig", errors="surrogateescape") as file:
            return _split_rows(path, file)
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror}); give --boxes a CSV file") from error


def _split_rows(path: Path, lines: Iterable[str]) -> list[tuple[int, dict[str, str]]]:
    rows = csv.reader(lines, strict=True)
    expected = ",".join(CSV_COLUMNS)
    found: list[tuple[int, dict[str, str]]] = []
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
            found.append((rows.line_num, dict(zip(header, row, strict=True))))
    except csv.Error as error:
        raise UserError(f"{path}:{rows.line_num}: is not valid CSV ({error})") from error
    if header is None:
        raise UserError(f"{path}: is empty; expected a first line {expected}")
    return found


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
