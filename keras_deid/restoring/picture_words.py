"""What a picture file says besides its pixels: read from one file, and written to another in its own format's way."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field, replace
from typing import Any

from PIL import Image
from PIL.TiffImagePlugin import TiffImageFile

from keras_deid.data.images import orientation_of
from keras_deid.restoring import tiff_tags
from keras_deid.restoring.jpeg_segments import Segment, other_segments
from keras_deid.restoring.png_chunks import COLOUR, WORDS, Chunk, read_chunks

_ORIENTATION = 0x0112


@dataclass(frozen=True)
class Words:
    """What a file says of its picture.

    Attributes:
        file_format: Pillow's name of the format.
        exif: camera, time and place, from `Exif` on, without orientation and thumbnail; may be empty.
        icc_profile: what the colours mean; may be empty.
        profile_of: the mode of the pixels that the profile is about.
        xmp: the XMP packet; may be empty.
        dpi: pixels an inch; None if not said.
        comment: of a GIF or JPEG; may be empty.
        chunks: of a PNG, which go into another PNG as they are.
        segments: of a JPEG, which go into another JPEG as they are.
        tags: of a TIFF, which go into another TIFF as they are.
        notes: what could not be read, or is not kept.
    """

    file_format: str
    exif: bytes = b""
    icc_profile: bytes = b""
    profile_of: str = "RGB"
    xmp: bytes = b""
    dpi: tuple[float, float] | None = None
    comment: bytes = b""
    chunks: tuple[Chunk, ...] = ()
    segments: tuple[Segment, ...] = ()
    tags: dict[int, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        """Whether there is anything that `without_words` leaves out."""
        return self != replace(without_words(self), notes=self.notes)


def read_words(picture: Image.Image, content: bytes) -> Words:
    """Reads what a file says of its picture.

    Args:
        picture: the file as Pillow opened it.
        content: the file.
    """
    info = picture.info
    file_format = "JPEG" if picture.format == "MPO" else str(picture.format)
    exif, notes = _exif(picture)
    tags, other_tags = tiff_tags.read_tags(picture) if isinstance(picture, TiffImageFile) else ({}, ())
    comment = info.get("comment", b"")
    dpi = info.get("dpi")
    return Words(
        file_format,
        exif=exif,
        icc_profile=info.get("icc_profile") or b"",
        profile_of=picture.mode,
        xmp=_xmp(info),
        dpi=(float(dpi[0]), float(dpi[1])) if isinstance(dpi, tuple) else None,
        comment=comment.encode() if isinstance(comment, str) else comment,
        chunks=tuple(read_chunks(content, (*COLOUR, *WORDS))) if file_format == "PNG" else (),
        segments=tuple(other_segments(content)) if file_format == "JPEG" else (),
        tags=tags,
        notes=(*notes, *other_tags),
    )


def without_words(words: Words) -> Words:
    """Returns what says how the picture looks, and nothing of who took it, when and where."""
    return replace(
        words,
        exif=b"",
        xmp=b"",
        comment=b"",
        chunks=tuple(chunk for chunk in words.chunks if chunk.kind in COLOUR),
        segments=(),
        tags={tag: value for tag, value in words.tags.items() if tag in tiff_tags.COLOUR},
        notes=(),
    )


def same_colours(profile_of: str, mode: str) -> bool:
    """Whether a profile of pixels of one mode holds for those of another."""
    return _kind(profile_of) == _kind(mode)


def _kind(mode: str) -> str:
    if mode in ("1", "L", "LA", "La") or mode.startswith("I"):
        return "grey"
    return mode if mode in ("CMYK", "LAB") else "RGB"


def _exif(picture: Image.Image) -> tuple[bytes, tuple[str, ...]]:
    """Returns EXIF without orientation and thumbnail (Pillow writes none); nothing if it is broken."""
    if picture.format in ("TIFF", "GIF", "BMP"):  # the tags of a TIFF are those of its pixels as well
        return b"", ()
    try:
        with warnings.catch_warnings(action="ignore"):
            exif = Image.Exif()
            exif.load(picture.getexif().tobytes())
            exif.pop(_ORIENTATION, None)
            return (exif.tobytes() if len(exif) else b""), ()
    except Exception:  # a picture with broken metadata is a picture
        return b"", ("its EXIF is broken and left out",)


def _xmp(info: dict[Any, Any]) -> bytes:
    packet = info.get("xmp") or info.get("XML:com.adobe.xmp") or b""
    return packet.encode() if isinstance(packet, str) else bytes(packet)


def has_inner_tags(words: Words) -> bool:
    """Whether a TIFF has EXIF or a place, which only Pillow's own writer writes, without compression."""
    return tiff_tags.EXIF in words.tags or tiff_tags.GPS in words.tags


def orientation_only(picture: Image.Image) -> bytes:
    """Returns EXIF that holds the orientation alone; nothing if there is none."""
    orientation = orientation_of(picture)
    if orientation == 1:
        return b""
    exif = Image.Exif()
    exif[_ORIENTATION] = orientation
    return exif.tobytes()
