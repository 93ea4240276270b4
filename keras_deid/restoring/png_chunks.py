"""The parts of a PNG file: those that say something about the picture are carried from one file to another.

Source: PNG specification, third edition, sections 5 and 11 (https://www.w3.org/TR/png-3/).
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable, Iterator
from typing import NamedTuple

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_HEADER = len(_SIGNATURE) + 25
"""Bytes of the signature and of the first chunk, IHDR."""
_XMP_KEYWORD = b"XML:com.adobe.xmp"

COLOUR = (b"cHRM", b"gAMA", b"iCCP", b"sRGB", b"cICP", b"mDCV", b"cLLI", b"pHYs")
"""What the values of the pixels mean, and how large they are."""
WORDS = (b"tEXt", b"zTXt", b"iTXt", b"tIME")
"""What was said about the picture, and when it was changed last."""


class Chunk(NamedTuple):
    """A part of a file."""

    kind: bytes
    content: bytes


def read_chunks(png: bytes, kinds: Iterable[bytes]) -> list[Chunk]:
    """Returns the chunks of some kinds, but for the XMP packet; a damaged file ends where it is damaged."""
    wanted = frozenset(kinds)
    return [chunk for chunk in _chunks(png) if chunk.kind in wanted and not _is_xmp(chunk)]


def bit_depth_and_colour(png: bytes) -> tuple[int, int]:
    """Returns the bits a channel, and the kind of channels: 0 grey, 2 RGB, 3 palette, 4 grey and alpha, 6 RGBA."""
    return png[24], png[25]


def xmp_chunk(packet: bytes) -> Chunk:
    """Returns the chunk of an XMP packet."""
    return Chunk(b"iTXt", _XMP_KEYWORD + b"\0\0\0\0\0" + packet)


def with_chunks(png: bytes, chunks: Iterable[Chunk]) -> bytes:
    """Adds chunks to a file, before its pixels."""
    added = (
        struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
        for kind, content in chunks
    )
    return b"".join((png[:_HEADER], *added, png[_HEADER:]))


def _chunks(png: bytes) -> Iterator[Chunk]:
    place = len(_SIGNATURE)
    while place + 12 <= len(png):
        length, kind = struct.unpack_from(">I4s", png, place)
        if place + 12 + length > len(png):
            return
        yield Chunk(kind, png[place + 8 : place + 8 + length])
        place += 12 + length


def _is_xmp(chunk: Chunk) -> bool:
    return chunk.kind == b"iTXt" and chunk.content.startswith(_XMP_KEYWORD + b"\0")
