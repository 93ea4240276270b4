"""What the page sends, read with care."""

from __future__ import annotations

import json
import math
from typing import Any

from starlette.requests import Request

from keras_deid.boxes import Box
from keras_deid.errors import UserError

BODY_LIMIT = 128 * 2**20
"""Bytes; larger files are refused."""


async def read_body(request: Request) -> bytes:
    """Reads a body.

    Raises:
        UserError: if it is above `BODY_LIMIT`.
    """
    content = bytearray()
    async for chunk in request.stream():
        content += chunk
        if len(content) > BODY_LIMIT:
            raise UserError(f"the file is larger than {BODY_LIMIT // 2**20} MiB; choose a smaller one")
    return bytes(content)


def parse_object(body: bytes) -> dict[str, Any]:
    """Parses a JSON object.

    Raises:
        UserError: if it is none.
    """
    try:
        values = json.loads(body)
    except (ValueError, RecursionError):
        values = None
    if not isinstance(values, dict):
        raise UserError("the request is not a JSON object")
    return values


def number(value: Any) -> float:
    """Returns a finite number.

    Raises:
        UserError: if it is none.
    """
    try:
        if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
            return float(value)
    except OverflowError:  # a whole number of hundreds of digits
        pass
    raise UserError("the request lacks a number")


def box(values: Any) -> Box:
    """Returns the box of a list `[x0, y0, x1, y1]`.

    Raises:
        UserError: if it is not such a list.
    """
    if not isinstance(values, list) or len(values) != 4:
        raise UserError("a box is not four numbers")
    x0, y0, x1, y1 = map(number, values)
    return (x0, y0, x1, y1)


def boxes(values: Any) -> list[Box]:
    """Returns the boxes of a list of lists.

    Raises:
        UserError: if it is not such a list.
    """
    if not isinstance(values, list):
        raise UserError("the request has no list of boxes")
    return [box(one) for one in values]


def box_of_query(request: Request) -> Box | None:
    """Returns the box of `?box=x0,y0,x1,y1`; None where there is none.

    Raises:
        UserError: if it is not four numbers.
    """
    text = request.query_params.get("box")
    if text is None:
        return None
    try:
        return box([float(word) for word in text.split(",")])
    except ValueError as error:
        raise UserError("a box is not four numbers") from error
