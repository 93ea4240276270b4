"""Boxes from CSV files: `path,x0,y0,x1,y1` and, for videos, `frame`."""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from keras_deid.boxes import Box
from keras_deid.errors import UserError

CSV_COLUMNS = ("path", "x0", "y0", "x1", "y1")
FRAME_COLUMNS = ("frame", "score")
"""Columns that a file for pictures and videos may have besides."""


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
    """A row of a file of boxes: with the path of the photograph or video that it belongs to."""

    path: str
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
    for row in _read(path, ()):
        listed.setdefault(row.path, []).append(ListedBox(row.line, row.box))
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
    for row in _read(path, FRAME_COLUMNS):
        listed.setdefault(row.path, []).append(FrameBox(row.line, row.box, row.frame))
    return listed


def stream_boxes(path: Path | str, lines: Iterable[str], optional: Sequence[str] = ()) -> Iterator[NamedBox]:
    """Yields the rows of a file of boxes one by one, as `read_boxes_csv` reads them.

    Args:
        path: names the file in messages.
        lines: its text; line ends are kept.
        optional: columns that it may have besides; of `FRAME_COLUMNS`.

    Raises:
        UserError: as `read_boxes_csv`, when the bad line is reached.
    """
    for line, fields in _split_rows(path, lines, optional):
        where = f"{path}:{line}"
        yield NamedBox(
            _parse_path(fields), line, _parse_box(where, fields), _parse_frame(where, fields.get("frame", ""))
        )


def _read(path: Path, optional: Sequence[str]) -> Iterator[NamedBox]:
    try:
        with open(path, newline="", encoding="utf-8-sig") as file:
            yield from stream_boxes(path, file, optional)
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror}); give --boxes a CSV file") from error


def _split_rows(
    path: Path | str, lines: Iterable[str], optional: Sequence[str]
) -> Iterator[tuple[int, dict[str, str]]]:
    rows = csv.reader(lines, strict=True)
    expected = ",".join(CSV_COLUMNS)
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
            yield rows.line_num, dict(zip(header, row, strict=True))
    except csv.Error as error:
        raise UserError(f"{path}:{rows.line_num}: is not valid CSV ({error})") from error
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: is not UTF-8 text; save the CSV file as UTF-8") from error
    if header is None:
        raise UserError(f"{path}: is empty; expected a first line {expected}")


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
        if not math.isfinite(value):
            raise UserError(f"{where}: expected a number of pixels in {column}; received {fields[column].strip()!r}")
        values.append(value)
    x0, y0, x1, y1 = values
    if not (x0 < x1 and y0 < y1):
        raise UserError(f"{where}: expected x0 < x1 and y0 < y1; received {x0:g},{y0:g},{x1:g},{y1:g}")
    return (x0, y0, x1, y1)
