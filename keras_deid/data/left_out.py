"""Files of a folder that are not read, and why: none is passed over in silence."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Collection, Mapping
from pathlib import Path

from keras_deid.atomic import write_bytes

SKIPPED = "skipped.csv"
"""Table of the files that were not used: path, reason."""

_NEEDS_PLUGIN = (".heic", ".heif", ".hif")


def find_left_out(folder: Path, read: Collection[Path]) -> dict[str, str]:
    """Finds what of a folder and its sub-folders is not read; hidden files and folders do not count.

    Args:
        folder: where to look.
        read: files that are read.

    Returns:
        The reason by the path inside the folder, with `/`.
    """
    known = set(read)
    reasons = {}
    for path in sorted(folder.rglob("*")):
        relative = path.relative_to(folder)
        if path in known or any(part.startswith(".") for part in relative.parts):
            continue
        if path.is_symlink() and not path.is_file():
            reasons[relative.as_posix()] = "link to a folder" if path.is_dir() else "link to nothing"
        elif not path.is_dir():
            reasons[relative.as_posix()] = _reason(path)
    return reasons


def summary_of(left_out: Mapping[str, str]) -> str:
    """Returns how many files were left out for each reason, on one line."""
    counts = Counter(left_out.values())
    return ", ".join(f"{count} x {reason}" for reason, count in counts.most_common())


def write_skipped(path: Path, skipped: Mapping[str, str]) -> None:
    """Writes the table of the files that were not used, whole or not at all."""
    text = io.StringIO()
    table = csv.writer(text)
    table.writerow(("path", "reason"))
    table.writerows(skipped.items())
    write_bytes(path, text.getvalue().encode("utf-8", "surrogateescape"))  # a name of a file may be no text


def _reason(path: Path) -> str:
    suffix = path.suffix.lower()
    if suffix in _NEEDS_PLUGIN:
        return f"{suffix} needs the package pillow-heif"
    if not path.is_file():
        return "neither a file nor a folder"
    return f"{suffix} is not a format that is read" if suffix else "a name without a suffix"
