"""Photographs in a folder of their own, without copying them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path


def link_photos(photos: Sequence[Path], folder: Path) -> Path:
    """Returns `folder/photos`, made here, with links to the photographs, numbered in their order."""
    linked = folder / "photos"
    linked.mkdir()
    for index, photo in enumerate(photos):
        (linked / f"{index:06d}{photo.suffix}").symlink_to(photo.resolve())
    return linked
