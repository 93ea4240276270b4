"""The report's pictures, each on the page and once more as a file."""

from __future__ import annotations

from pathlib import Path

from keras_deid.atomic import write_bytes
from keras_deid.report.page import data_uri


class Album:
    """Writes pictures as files, and returns them as data URIs."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(exist_ok=True)
        for old in folder.glob("*.png"):
            old.unlink()

    def add(self, name: str, png: bytes) -> str:
        """Writes a PNG file and returns its data URI."""
        write_bytes(self._folder / f"{name}.png", png)
        return data_uri(png)
