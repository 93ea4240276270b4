"""How a mistake in a configuration is put into words."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

_MOST_SHOWN = 80
"""Characters of a value or a key."""


def describe_mistake(mistake: Any) -> str:
    """Returns one of Pydantic's errors as a line: key, what was expected, what was received."""
    name, message = dotted(mistake["loc"]), mistake["msg"].removeprefix("Value error, ")
    if mistake["type"] != "value_error":
        message = f"{message[0].lower()}{message[1:]}, received {shortened(mistake['input'])}"
    return f"{name}: {message}" if name else message


def dotted(keys: Iterable[Any]) -> str:
    """Returns the keys that lead to a value, such as `data.image_size.1`, on one line."""
    parts = map(str, keys)
    return ".".join(part if part.isprintable() and len(part) <= _MOST_SHOWN else shortened(part) for part in parts)


def shortened(value: Any) -> str:
    """Returns a value as it is shown in a message: on one line, not the whole of a long one."""
    text = repr(value)
    return text if len(text) <= _MOST_SHOWN else f"{text[:_MOST_SHOWN]}..."
