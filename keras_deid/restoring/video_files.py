"""Which files are videos, and what their containers hold."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple


class Container(NamedTuple):
    """A format of video files.

    Attributes:
        format: its name in ffmpeg.
        encoder: of the restored pictures.
        options: of the encoder.
    """

    format: str
    encoder: str
    options: dict[str, str]


_H264 = {"crf": "18"}
"""Constant rate factor: 18 is where most people see no difference."""
_VP9 = {"crf": "24", "b:v": "0", "deadline": "good", "cpu-used": "4", "row-mt": "1"}
"""About the same for VP9; WebM holds no H.264."""

CONTAINERS = {
    ".mp4": Container("mp4", "libx264", _H264),
    ".m4v": Container("mp4", "libx264", _H264),
    ".mov": Container("mov", "libx264", _H264),
    ".mkv": Container("matroska", "libx264", _H264),
    ".webm": Container("webm", "libvpx-vp9", _VP9),
}
VIDEO_SUFFIXES = tuple(CONTAINERS)


def is_video(path: Path) -> bool:
    """Whether a file's name is that of a video."""
    return path.suffix.lower() in VIDEO_SUFFIXES


def find_videos(folder: Path) -> list[Path]:
    """Lists the videos in a folder and its sub-folders, sorted; hidden files and folders are left out."""
    relative = (path.relative_to(folder) for path in folder.rglob("*") if is_video(path) and path.is_file())
    return [folder / path for path in sorted(relative) if not any(part.startswith(".") for part in path.parts)]
