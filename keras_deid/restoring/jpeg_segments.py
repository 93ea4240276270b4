"""The parts of a JPEG file: those that say something about the picture are carried from one file to another.

Source: ITU-T T.81, section B.1 (https://www.w3.org/Graphics/JPEG/itu-t81.pdf).
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator

MOST = 65_533
"""Bytes of what a segment holds: its length is a number of two bytes, which count as well."""

_JFIF, _EXIF_OR_XMP, _PROFILE_OR_PICTURES, _ADOBE, _COMMENT = 0xE0, 0xE1, 0xE2, 0xEE, 0xFE
_EXIF, _XMP, _PROFILE, _PICTURES = b"Exif\0\0", b"http://ns.adobe.com/xap/1.0/\0", b"ICC_PROFILE\0", b"MPF\0"

Segment = tuple[int, bytes]
"""The last byte of the marker, and what the segment holds."""


def other_segments(jpeg: bytes) -> list[Segment]:
    """Returns what a file says of its picture besides EXIF, XMP packet, profile and size: IPTC, comments, and more."""
    written_anew = (_JFIF, _ADOBE)
    starts = (_EXIF, _XMP, _PROFILE, _PICTURES)
    return [
        (marker, content)
        for marker, content in _segments(jpeg)
        if _says_something(marker) and marker not in written_anew and not content.startswith(starts)
    ]


def exif_segment(exif: bytes) -> Segment:
    """Returns the segment of EXIF, which begins with the bytes `Exif`."""
    return (_EXIF_OR_XMP, exif)


def xmp_segment(packet: bytes) -> Segment:
    """Returns the segment of an XMP packet."""
    return (_EXIF_OR_XMP, _XMP + packet)


def with_segments(jpeg: bytes, segments: Iterable[Segment]) -> bytes:
    """Adds segments to a file, after what it says of its picture already.

    Raises:
        ValueError: if one is longer than `MOST`.
    """
    place = 2
    for marker, content in _segments(jpeg):
        if not _says_something(marker):
            break
        place += 4 + len(content)
    return b"".join((jpeg[:place], *map(_encoded, segments), jpeg[place:]))


def without_words(jpeg: bytes) -> bytes:
    """Removes all that a file says of its picture but the size, the colours, and what they mean; pixels stay."""
    kept = []
    place = 2
    for marker, content in _segments(jpeg):
        if not _says_something(marker) or marker in (_JFIF, _ADOBE) or content.startswith(_PROFILE):
            kept.append(_encoded((marker, content)))
        place += 4 + len(content)
    return b"".join((jpeg[:2], *kept, jpeg[place:]))


def _segments(jpeg: bytes) -> Iterator[Segment]:
    """Yields the segments before the pixels, as long as nothing else lies between them."""
    place = 2
    while jpeg[place : place + 1] == b"\xff" and place + 4 <= len(jpeg):
        marker = jpeg[place + 1]
        (length,) = struct.unpack_from(">H", jpeg, place + 2)
        if marker in (0xDA, 0xD9, 0xFF) or length < 2 or place + 2 + length > len(jpeg):
            return
        yield marker, jpeg[place + 4 : place + 2 + length]
        place += 2 + length


def _says_something(marker: int) -> bool:
    return 0xE0 <= marker <= 0xEF or marker == _COMMENT


def _encoded(segment: Segment) -> bytes:
    marker, content = segment
    if len(content) > MOST:
        raise ValueError(f"Expected at most {MOST} bytes. Received: {len(content)}")
    return struct.pack(">BBH", 0xFF, marker, len(content) + 2) + content
