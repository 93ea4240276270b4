"""Encodes a picture together with what its source said of it, in each format's way."""

from __future__ import annotations

import io
from collections.abc import Iterable
from typing import Any

import cv2
import numpy as np
import tifffile
from PIL import Image
from PIL.TiffImagePlugin import AppendingTiffWriter, ImageFileDirectory_v2

from keras_deid.restoring.jpeg_segments import MOST, with_segments, xmp_segment
from keras_deid.restoring.picture_words import Words, has_inner_tags, same_colours
from keras_deid.restoring.png_chunks import Chunk, with_chunks, xmp_chunk
from keras_deid.restoring.stored_pixels import Pixels
from keras_deid.restoring.tiff_tags import XMP, tags_for_tifffile

Page = tuple[Image.Image, Words]

JPEG_QUALITY = 95
_LOSSLESS: dict[str, dict[str, Any]] = {
    "WEBP": {"lossless": True, "exact": True},
    "AVIF": {"quality": 100, "subsampling": "4:4:4"},  # nearly: its encoder changes values by up to 3
    "HEIF": {"quality": -1, "chroma": 444, "matrix_coefficients": 0},
}
# Formats that hold no XMP packet get it in a file beside them, as editors of pictures do.
_WITH_SIDECAR = ("BMP", "GIF")


def has_sidecar(file_format: str) -> bool:
    """Whether the XMP packet of a format lies in a file of its own."""
    return file_format in _WITH_SIDECAR


def encode(
    pixels: Pixels, file_format: str, words: Words, packet: bytes, sampling: int, pages: Iterable[Page] = ()
) -> tuple[bytes, tuple[str, ...]]:
    """Encodes a picture into memory: Pillow's encoders that write into a file do not notice when the disk is full.

    Args:
        pixels: in a mode that the format holds, see `keras_deid.restoring.stored_pixels.fitted`.
        file_format: one of Pillow's names.
        words: what the source said.
        packet: the XMP packet, perhaps marked; may be empty.
        sampling: of a JPEG's colours, in Pillow's numbers.
        pages: that follow the first one in a TIFF.

    Returns:
        The file, and what was left out, in words.
    """
    notes: list[str] = []
    mode = "RGB" if isinstance(pixels, np.ndarray) else pixels.mode
    profile = words.icc_profile
    if profile and not same_colours(words.profile_of, mode):
        profile = b""
        notes.append("its colour profile is of other colours and left out")
    options: dict[str, Any] = {"icc_profile": profile} if profile else {}
    if words.dpi is not None:
        options["dpi"] = words.dpi
    exif = words.exif
    if file_format == "JPEG":
        encoded = _jpeg(pixels, words, packet, exif, sampling, options, notes)
    elif file_format == "PNG":
        encoded = _png(pixels, words, packet, exif, options, bool(profile) or not words.icc_profile)
    elif file_format == "TIFF":
        encoded = _tiff(pixels, words, packet, exif, options, notes, pages)
    elif file_format in _LOSSLESS:
        how = _LOSSLESS[file_format]
        options.pop("dpi", None)
        encoded = _saved(pixels, file_format, **how, **options, **_given(exif=exif, xmp=packet))
    elif file_format == "GIF":
        comment = words.comment or packet
        encoded = _saved(pixels, file_format, **_given(comment=comment))
    else:
        encoded = _saved(pixels, file_format, **_given(dpi=words.dpi))
    return encoded, tuple(notes)


def _given(**options: Any) -> dict[str, Any]:
    return {name: value for name, value in options.items() if value}


def _saved(pixels: Pixels, file_format: str, **options: Any) -> bytes:
    encoded = io.BytesIO()
    _clean(pixels).save(encoded, file_format, **options)
    return encoded.getvalue()


def _clean(pixels: Pixels) -> Image.Image:
    """Returns a picture that says nothing: Pillow would write some of it, in its own way."""
    assert isinstance(pixels, Image.Image)
    clean = pixels.copy()
    clean.info = {key: value for key, value in pixels.info.items() if key == "transparency"}
    return clean


def _jpeg(
    pixels: Pixels, words: Words, packet: bytes, exif: bytes, sampling: int, options: dict[str, Any], notes: list[str]
) -> bytes:
    segments = list(words.segments) or ([(0xFE, words.comment[:MOST])] if words.comment else [])
    if len(exif) > MOST:
        exif = b""
        notes.append("its EXIF is larger than a JPEG holds and left out")
    if packet:
        segment = xmp_segment(packet)
        if len(segment[1]) <= MOST:
            segments.insert(0, segment)
        else:
            notes.append("its XMP packet is larger than a JPEG holds and left out")
    if exif:
        options["exif"] = exif
    return with_segments(_saved(pixels, "JPEG", quality=JPEG_QUALITY, subsampling=sampling, **options), segments)


def _png(
    pixels: Pixels, words: Words, packet: bytes, exif: bytes, options: dict[str, Any], keep_profile: bool
) -> bytes:
    chunks = [chunk for chunk in words.chunks if keep_profile or chunk.kind != b"iCCP"]
    if words.file_format == "PNG":  # these are among the chunks
        options = {}
    if isinstance(pixels, np.ndarray):
        order = [2, 1, 0, 3][: pixels.shape[2]]
        encoded = cv2.imencode(".png", np.ascontiguousarray(pixels[:, :, order]))[1].tobytes()
    else:
        encoded = _saved(pixels, "PNG", **options)
    if exif:
        chunks.append(Chunk(b"eXIf", exif.removeprefix(b"Exif\0\0")))
    if packet:
        chunks.append(xmp_chunk(packet))
    return with_chunks(encoded, chunks)


def _tiff(
    pixels: Pixels,
    words: Words,
    packet: bytes,
    exif: bytes,
    options: dict[str, Any],
    notes: list[str],
    pages: Iterable[Page],
) -> bytes:
    if exif:
        notes.append("its EXIF is left out")
    if isinstance(pixels, np.ndarray):
        return _deep_tiff(pixels, words, packet, notes)
    encoded = io.BytesIO()
    with AppendingTiffWriter(encoded) as file:
        _add_page(file, pixels, words, packet, options)
        for page, of_page in pages:
            _add_page(file, page, of_page, of_page.xmp, _given(icc_profile=of_page.icc_profile, dpi=of_page.dpi))
    return encoded.getvalue()


def _add_page(file: AppendingTiffWriter, pixels: Pixels, words: Words, packet: bytes, options: dict[str, Any]) -> None:
    tags = ImageFileDirectory_v2()
    for tag, value in words.tags.items():
        tags[tag] = value
    if packet:
        tags[XMP] = packet
    compression = None if has_inner_tags(words) else "tiff_deflate"
    _clean(pixels).save(file, "TIFF", tiffinfo=tags, compression=compression, **options)
    file.newFrame()


def _deep_tiff(pixels: np.ndarray, words: Words, packet: bytes, notes: list[str]) -> bytes:
    tags, left_out = tags_for_tifffile(words.tags)
    notes.extend(left_out)
    packets = [(XMP, 1, len(packet), packet, True)] if packet else []
    encoded = io.BytesIO()
    tifffile.imwrite(
        encoded,
        pixels,
        photometric="rgb",
        compression="deflate",
        extrasamples=["unassalpha"] if pixels.shape[2] == 4 else None,
        iccprofile=words.icc_profile or None,
        resolution=words.dpi,
        resolutionunit=None if words.dpi is None else "inch",
        software=False,
        metadata=None,
        extratags=[*tags, *packets],
    )
    return encoded.getvalue()
