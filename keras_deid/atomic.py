"""Files that are there whole or not at all: written under another name beside their place, then renamed."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any


@contextlib.contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Gives the name to write a file under; the file takes its own name when it is written without an exception.

    That name is hidden, and ends as the file's own does: Keras and ffmpeg take the format from it.
    """
    partial = path.with_name(f".partial.{path.name}")
    try:
        yield partial
        partial.replace(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


def write_bytes(path: Path, content: bytes) -> None:
    """Writes a file, whole or not at all."""
    with whole_file(path) as partial:
        partial.write_bytes(content)


def write_text(path: Path, text: str) -> None:
    """Writes a text file in UTF-8, whole or not at all."""
    write_bytes(path, text.encode())


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Writes a JSON file, whole or not at all.

    Raises:
        ValueError: if a value is NaN or infinite, which JSON does not have (None is the absent number).
    """
    write_text(path, json.dumps(content, indent=2, allow_nan=False) + "\n")
