"""How a mistake in a configuration, or in a file that a command has written, is put into words."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pydantic

from keras_deid.errors import UserError

_MOST_SHOWN = 80
"""Characters of a value or a key."""


def check_schema(path: Path | str, model: type[pydantic.BaseModel], content: Any, mend: str) -> None:
    """Sees that what was read from a JSON file fits.

    Args:
        path: the file, for the message.
        model: what is expected.
        content: what was read.
        mend: what the user can do.

    Raises:
        UserError: with the first mistake: key, what was expected, what was received.
    """
    try:
        model.model_validate(content)
    except pydantic.ValidationError as error:
        raise UserError(f"{path}: {describe_mistake(error.errors()[0])}; {mend}") from None


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
