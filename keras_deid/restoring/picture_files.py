"""Pictures as files: read with what has to be kept, written whole, in the same format, marked as synthetic."""

from __future__ import annotations

import shutil
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image
from PIL.JpegImagePlugin import get_sampling

from keras_deid.atomic import whole_file, write_bytes
from keras_deid.data.images import (
    ImageError,
    decode_upright,
    open_image,
    orientation_of,
    to_rgb,
)
from keras_deid.restoring.jpeg_segments import exif_segment, with_segments
from keras_deid.restoring.jpeg_segments import without_words as jpeg_without_words
from keras_deid.restoring.picture_encoding import Page, encode, has_sidecar
from keras_deid.restoring.picture_words import Words, orientation_only, read_words, without_words
from keras_deid.restoring.stored_pixels import Pixels, fitted, is_deep, put_back, read_deep
from keras_deid.restoring.xmp import SYNTHETIC_WHOLE, can_be_marked, marked

FORMATS = {
    ".jpg": "JPEG",
    ".jpeg": "JPEG",
    ".jpe": "JPEG",
    ".jfif": "JPEG",
    ".png": "PNG",
    ".webp": "WEBP",
    ".avif": "AVIF",
    ".bmp": "BMP",
    ".tif": "TIFF",
    ".tiff": "TIFF",
    ".gif": "GIF",
    ".heic": "HEIF",
    ".heif": "HEIF",
    ".hif": "HEIF",
}
_ANIMATED = ("GIF", "PNG", "WEBP", "AVIF")
_LONGEST = {"JPEG": 65_500, "WEBP": 16_383, "GIF": 65_535, "AVIF": 65_535}
"""Pixels of the longer side that a format, or its encoder, holds."""


@dataclass(frozen=True)
class Opened:
    """A picture file in memory.

    Attributes:
        path: the file.
        pixels: uint8 `(height, width, 3)`, RGB, upright.
        stored: the pixels in the depth and mode of the file, upright.
        sampling: how much finer a JPEG's brightness is than its colours, in Pillow's numbers; 0 for the same.
        words: what else the file says.
        pages: pictures in the file; all but the first one stay as they are.
        notes: what of the file could not be read.
    """

    path: Path
    pixels: np.ndarray
    stored: Pixels
    sampling: int
    words: Words
    pages: int = 1
    notes: tuple[str, ...] = ()


def open_picture(path: Path) -> Opened:
    """Reads a picture.

    Args:
        path: the file.

    Raises:
        ImageError: if it is missing, broken, or an animation.
    """
    with open_image(path) as picture, warnings.catch_warnings(action="ignore"):
        pages = _count_pages(path, picture)
        content = path.read_bytes()
        words = read_words(picture, content)
        sampling = max(get_sampling(picture), 0)  # -1: not a JPEG in colour
        deep, orientation = is_deep(content, picture), orientation_of(picture)
        shown = decode_upright(path, picture, lambda upright: upright)
        pixels = np.asarray(to_rgb(shown))
        stored: Pixels | None = read_deep(content, orientation, shown) if deep else shown
        notes = words.notes
        if stored is None:
            stored, notes = shown, (*notes, "16 bits a channel became 8")
        return Opened(path, pixels, stored, sampling, words, pages, notes)


def write_picture(
    path: Path, pixels: np.ndarray, source: Opened, source_type: str | None, *, keep_words: bool = True
) -> tuple[str, ...]:
    """Writes a picture, whole or not at all, a restored one marked as synthetic.

    Pixels that are not new have the values of the source, as far as the format keeps them; depth, mode and transparency
    stay if the format has them. The mark is IPTC's digital source type, added to the XMP packet; for BMP and GIF, which
    hold none, in `NAME.xmp` beside it. A JPEG has the colour resolution of its source; if only parts of it are new, the
    full one, which does the others less harm.

    Args:
        path: its suffix says the format.
        pixels: uint8 `(height, width, 3)`.
        source: the picture that it was made from.
        source_type: `SYNTHETIC_WHOLE` or `SYNTHETIC_PARTS`; None for a picture in which nothing was restored.
        keep_words: whether EXIF, texts and the like of the source are kept.

    Returns:
        What could not stay as it was, in words.

    Raises:
        ImageError: if the format does not hold the picture.
        OSError: if the file cannot be written.
    """
    file_format = FORMATS[path.suffix.lower()]
    height, width = pixels.shape[:2]
    longest = _LONGEST.get(file_format)
    if longest is not None and max(height, width) > longest:
        mend = "choose another format, such as PNG"
        raise ImageError(path, f"{width} x {height} pixels; {file_format} holds at most {longest} a side", mend)
    words = source.words if keep_words else without_words(source.words)
    notes = [note for note in source.notes if keep_words or note not in source.words.notes]
    packet = words.xmp
    if source_type is not None:
        if packet and not can_be_marked(packet):
            notes.append("its XMP packet is damaged and replaced")
        packet = marked(packet, source_type)
    try:
        placed = put_back(source.stored, source.pixels, pixels)
        fitting = fitted(placed.pixels, file_format)
        sampling = source.sampling if source_type == SYNTHETIC_WHOLE else 0
        pages = _pages(source, fitting.pixels, file_format, keep_words=keep_words)
        encoded, left_out = encode(fitting.pixels, file_format, words, packet, sampling, pages or ())
    except MemoryError:
        raise
    except Exception as error:  # encoders raise whatever a picture or its metadata lead to
        reason = " ".join(str(error).split()) or type(error).__name__
        raise ImageError(path, f"cannot be written as {file_format} ({reason})", "choose another format") from error
    if source.pages > 1 and pages is None:
        left_out += (f"the other {source.pages - 1} pictures in the file are left out",)
    elif source.pages > 1 and source_type is not None:
        left_out += (f"only the first of its {source.pages} pages is restored",)
    if has_sidecar(file_format) and packet:
        write_bytes(_sidecar(path), packet)
    write_bytes(path, encoded)
    return (*notes, *placed.notes, *fitting.notes, *left_out)


def _pages(source: Opened, pixels: Pixels, file_format: str, *, keep_words: bool) -> Iterator[Page] | None:
    """Yields the pages after the first one; None if the file that is written cannot have them."""
    if source.pages == 1 or isinstance(pixels, np.ndarray) or not source.words.file_format == file_format == "TIFF":
        return None

    def read() -> Iterator[Page]:
        with open_image(source.path) as picture:
            for number in range(1, source.pages):
                picture.seek(number)
                words = read_words(picture, b"")
                yield picture.copy(), words if keep_words else without_words(words)

    return read()


def _count_pages(path: Path, picture: Image.Image) -> int:
    """Returns the number of pictures in a file.

    Raises:
        ImageError: if they are an animation, or cannot be counted.
    """
    try:
        count = int(getattr(picture, "n_frames", 1))
    except Exception as error:  # Pillow's readers raise whatever a broken file leads to
        raise ImageError(path, f"broken image: {error}") from error
    if count > 1 and picture.format in _ANIMATED:
        raise ImageError(path, f"is an animation of {count} pictures", "convert it to a video first")
    return count


def copy_without_words(path: Path, source: Opened) -> tuple[str, ...]:
    """Writes a picture in which nothing is restored without EXIF, texts and the like; its pixels stay.

    Args:
        path: of the same format.
        source: the picture.

    Returns:
        What could not stay as it was, in words.
    """
    if source.words.file_format != "JPEG":
        return write_picture(path, source.pixels, source, None, keep_words=False)
    with open_image(source.path) as picture:
        orientation = orientation_only(picture)
    stripped = jpeg_without_words(source.path.read_bytes())
    write_bytes(path, with_segments(stripped, [exif_segment(orientation)] if orientation else []))
    return ()


def copy_picture(source: Path, path: Path) -> None:
    """Copies a file byte for byte, whole or not at all."""
    with whole_file(path) as partial:
        shutil.copyfile(source, partial)


def written_files(path: Path) -> tuple[Path, ...]:
    """Lists what is written for a picture or a video: itself, and its mark where the format holds none."""
    if has_sidecar(FORMATS.get(path.suffix.lower(), "")):
        return path, _sidecar(path)
    return (path,)


def _sidecar(path: Path) -> Path:
    return path.with_name(f"{path.name}.xmp")
