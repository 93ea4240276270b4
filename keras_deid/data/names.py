"""Names of files as people write them in tables, and as they can be shown."""

from __future__ import annotations

import posixpath
import unicodedata
from collections.abc import Iterable


class Names:
    """Finds a file by its name in a table: spreadsheets, shells and file systems write the same name in several ways.

    Args:
        names: paths of files inside a folder, with `/` between folders.
    """

    def __init__(self, names: Iterable[str]) -> None:
        self._exact = set(names)
        self._of: dict[str, list[str]] = {}
        for name in sorted(self._exact):
            self._of.setdefault(unicodedata.normalize("NFC", name), []).append(name)

    def find(self, written: str) -> str | None:
        """Returns the name of the file that is meant; None if there is none, or it could be several.

        The name as it is written comes first; then the same without outer spaces, with `/` for a backslash, without
        `./`, in whatever Unicode form.
        """
        stripped = written.strip()
        for text in (written, stripped, stripped.replace("\\", "/")):
            if text in self._exact:
                return text
            alike = self._of.get(unicodedata.normalize("NFC", posixpath.normpath(text)), [])
            if len(alike) == 1:
                return alike[0]
        return None


def printable(name: str) -> str:
    r"""Returns a name as Unicode text: bytes that are not UTF-8, which Python keeps in surrogates, become `\xe9`."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
