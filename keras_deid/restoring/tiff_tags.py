"""Tags of a TIFF that describe its picture: which are kept, and how they go into a file of 16 bits a channel."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

import tifffile
from PIL.TiffImagePlugin import ImageFileDirectory_v2, TiffImageFile

EXIF, GPS, XMP = 34665, 34853, 700
_IPTC, _ICC_PROFILE, _INTEROPERABILITY = 33723, 34675, 40965
# Names, texts, dates, IPTC, Photoshop.
_WORDS = (269, 270, 271, 272, 285, 305, 306, 315, 316, 33432, _IPTC, 34377, 50838, 50839)
_PLACE = (33550, 33922, 34264, 34735, 34736, 34737, 42112, 42113)
COLOUR = (301, 318, 319)
# How the pixels are stored (written anew), which page this is, small pictures of it, resolution, orientation.
_STORAGE = (
    *range(254, 267),
    *range(273, 285),
    *range(288, 294),
    296,
    297,
    317,
    *range(320, 326),
    *range(330, 348),
    *range(512, 522),
    *range(529, 533),
    559,
    32997,
    32998,
)
_RATIONALS = (5, 10)

Tags = Mapping[int, Any]
TagOfTifffile = tuple[int, int, int, Any, bool]


def read_tags(picture: TiffImageFile) -> tuple[dict[int, Any], tuple[str, ...]]:
    """Returns the tags that are kept, those of EXIF and GPS as dictionaries, and in words which are not."""
    tags = {tag: _plain(picture.tag_v2[tag]) for tag in (*_WORDS, *_PLACE, *COLOUR) if tag in picture.tag_v2}
    if _IPTC in tags:
        tags[_IPTC] = _iptc(picture) or tags[_IPTC]
    for tag in (EXIF, GPS):
        try:
            inner = dict(picture.getexif().get_ifd(tag))
        except Exception:  # a picture with broken metadata is a picture
            inner = {}
        if inner:
            tags[tag] = inner
    known = {*_WORDS, *_PLACE, *COLOUR, *_STORAGE, EXIF, GPS, XMP, _ICC_PROFILE, _INTEROPERABILITY}
    others = sorted(set(picture.tag_v2) - known)
    return tags, (f"its TIFF tags {', '.join(map(str, others))} are left out",) if others else ()


def _plain(value: Any) -> Any:
    """Takes bytes out of the tuple in which Pillow gives those of tags that it does not know, and does not write."""
    is_wrapped = isinstance(value, tuple) and len(value) == 1 and isinstance(value[0], bytes)
    return value[0] if is_wrapped else value


def _iptc(picture: TiffImageFile) -> bytes:
    """Returns IPTC's bytes: Photoshop stores them as numbers of 32 bits, of which Pillow reads the first alone."""
    assert picture.fp is not None
    try:
        assert picture.fp is not None
        with tifffile.TiffFile(picture.fp, offset=0) as file:
            return bytes(file.pages[picture.tell()].aspage().tags[_IPTC].value)
    except Exception:  # as above
        return b""


def tags_for_tifffile(tags: Tags) -> tuple[list[TagOfTifffile], tuple[str, ...]]:
    """Returns tags as tifffile writes them, and in words what it cannot write: EXIF and GPS.

    Args:
        tags: as `read_tags` gives them.
    """
    flat = {tag: value for tag, value in tags.items() if tag not in (EXIF, GPS)}
    typed = ImageFileDirectory_v2()
    with warnings.catch_warnings(action="ignore"):  # about the number of values
        for tag, value in flat.items():
            typed[tag] = value
    written = [(tag, typed.tagtype[tag], *_values(typed.tagtype[tag], value), True) for tag, value in flat.items()]
    inner = ((EXIF, "its EXIF is left out"), (GPS, "its GPS position is left out"))
    return written, tuple(note for tag, note in inner if tag in tags)


def _values(kind: int, value: Any) -> tuple[int, Any]:
    """Returns the number of values, and what tifffile takes for them."""
    if isinstance(value, str | bytes):
        return len(value), value
    values = value if isinstance(value, tuple) else (value,)
    if kind in _RATIONALS:
        return len(values), tuple(part for one in values for part in (one.numerator, one.denominator))
    return len(values), values
