"""Boxes from CSV files: `path,x0,y0,x1,y1` and, for videos, `frame`."""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from keras_deid.boxes import Box
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
    """Reads face boxes from a CSV file with the columns `path,x0,y0,x1,y1`, in any order.

    Args:
        path: the file, UTF-8. Paths in it are relative to the folder of photographs, with `/` between folders.

    Returns:
        For each path its boxes, in the file's order.

    Raises:
        UserError: if the file is missing, is not UTF-8 text, lacks a column, has an unknown one, or has a line with a
            wrong number of fields, a value that is not a finite number, or an empty box. The message names the line.
    """
    listed: dict[str, list[ListedBox]] = {}
    for line, fields in _read_rows(path, optional=()):
        box = _parse_box(f"{path}:{line}", fields)
        listed.setdefault(_parse_path(fields), []).append(ListedBox(line, box))
    return listed


def read_frame_boxes_csv(path: Path) -> dict[str, list[FrameBox]]:
    """Reads boxes of pictures and videos: as `read_boxes_csv`, perhaps with columns `frame` and `score`.

    The score, which `restore --find` writes, is not used.

    Args:
        path: the file, UTF-8.

    Returns:
        For each path its boxes, in the file's order.

    Raises:
        UserError: as `read_boxes_csv`; or if a frame is neither empty nor a whole number from 0.
    """
    listed: dict[str, list[FrameBox]] = {}
    for line, fields in _read_rows(path, optional=("frame", "score")):
        where = f"{path}:{line}"
        row = FrameBox(line, _parse_box(where, fields), _parse_frame(where, fields.get("frame", "")))
        listed.setdefault(_parse_path(fields), []).append(row)
    return listed


def _read_rows(path: Path, optional: Sequence[str]) -> list[tuple[int, dict[str, str]]]:
    try:
        with open(path, newline="", encoding="utf-8-sig") as file:
            return _split_rows(path, file, optional)
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror}); give --boxes a CSV file") from error
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: is not UTF-8 text; save the CSV file as UTF-8") from error


def _split_rows(path: Path, lines: Iterable[str], optional: Sequence[str]) -> list[tuple[int, dict[str, str]]]:
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
                if sorted(name for name in header if name not in optional) != sorted(CSV_COLUMNS):
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


def _parse_path(fields: dict[str, str]) -> str:
    return fields["path"].strip().replace("\\", "/")


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
