"""The pixels of a picture in the depth and mode of its file, and restored colours put among them."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from PIL import Image
from PIL.PngImagePlugin import PngImageFile
from PIL.TiffImagePlugin import TiffImageFile

from keras_deid.restoring.png_chunks import bit_depth_and_colour

Pixels = Image.Image | np.ndarray
"""A picture in one of Pillow's modes; or, as Pillow has no such mode, uint16 `(height, width, 3 or 4)`, RGB or RGBA."""

_GREY_16 = ("I", "I;16", "I;16L", "I;16B", "I;16N")
_BITS_PER_SAMPLE = 258
_TO_16_BITS = 257
"""Times 255 this is 65535."""
_LEAST_FREE = 8
"""A palette with so many colours that no pixel has gets the restored colours."""

_TURNS = {
    2: lambda pixels: pixels[:, ::-1],
    3: lambda pixels: pixels[::-1, ::-1],
    4: lambda pixels: pixels[::-1],
    5: lambda pixels: pixels.swapaxes(0, 1),
    6: lambda pixels: pixels[::-1].swapaxes(0, 1),
    7: lambda pixels: pixels[::-1, ::-1].swapaxes(0, 1),
    8: lambda pixels: pixels[:, ::-1].swapaxes(0, 1),
}
"""What makes a picture of an EXIF orientation upright."""

# What each format holds without loss of depth or channels.
_KEEPS = {
    "JPEG": ("L", "RGB", "CMYK"),
    "PNG": ("1", "L", "LA", "P", "RGB", "RGBA", *_GREY_16),
    "WEBP": ("RGB", "RGBA"),
    "AVIF": ("RGB", "RGBA"),
    "HEIF": ("RGB", "RGBA"),
    "BMP": ("1", "L", "P", "RGB", "RGBA"),
    "TIFF": ("1", "L", "LA", "P", "RGB", "RGBA", "CMYK", *_GREY_16),
    "GIF": ("1", "L", "P"),
}
_WITH_ALPHA = ("LA", "RGBA", "PA", "La", "RGBa")
_NO_ALPHA = ("JPEG",)


@dataclass(frozen=True)
class Placed:
    """Pixels, and what could not stay as it was, in words."""

    pixels: Pixels
    notes: tuple[str, ...] = ()


def is_deep(content: bytes, picture: Image.Image) -> bool:
    """Whether a file has 16 bits a channel and colours: Pillow reads only 8 of them.

    Args:
        content: of the file.
        picture: the file as Pillow opened it.
    """
    if isinstance(picture, PngImageFile):
        depth, colour = bit_depth_and_colour(content)
        return depth == 16 and colour != 0
    bits = picture.tag_v2.get(_BITS_PER_SAMPLE, ()) if isinstance(picture, TiffImageFile) else ()
    return picture.mode in ("RGB", "RGBA", "RGBX") and max(bits, default=8) > 8


def read_deep(content: bytes, orientation: int, shown: Image.Image) -> np.ndarray | None:
    """Reads a picture of 16 bits a channel.

    Args:
        content: of the file.
        orientation: as EXIF has it.
        shown: what Pillow reads of it, upright: the upper 8 bits.

    Returns:
        uint16 `(height, width, 3 or 4)`, RGB or RGBA, upright; None if it cannot be read, or is not the same picture.
    """
    stored = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_UNCHANGED)
    if stored is None or stored.dtype != np.uint16 or stored.ndim != 3 or stored.shape[2] not in (3, 4):
        return None
    colours = stored[:, :, [2, 1, 0, 3][: stored.shape[2]]]
    upper = np.asarray(shown.convert("RGB" if stored.shape[2] == 3 else "RGBA"))
    for turn in (_TURNS.get(orientation), None):
        turned = np.ascontiguousarray(colours if turn is None else turn(colours))
        if np.array_equal(turned >> 8, upper):
            return turned
    return None


def put_back(stored: Pixels, before: np.ndarray, after: np.ndarray) -> Placed:
    """Puts restored pixels into a picture; all others keep their values. Transparency stays everywhere.

    Args:
        stored: the picture.
        before: uint8 `(height, width, 3)`, RGB: the same as it was shown to the model, over white.
        after: what came of it; pixels that differ are put back.
    """
    changed = (before != after).any(axis=2)
    if not changed.any():
        return Placed(stored)
    if isinstance(stored, np.ndarray):
        return Placed(_put_back_deep(stored, after, changed))
    return _put_back(stored, after, changed)


def _put_back(stored: Image.Image, after: np.ndarray, changed: np.ndarray) -> Placed:
    mode = stored.mode
    if mode == "P":
        return _put_into_palette(stored, after, changed)
    if mode in ("L", "RGB"):
        return Placed(_put_beside_key(stored, after, changed))
    if mode in _GREY_16:
        values = np.array(stored)
        values[changed] = (_grey(after)[changed].astype(np.uint32) * _TO_16_BITS).astype(values.dtype)
        return Placed(Image.fromarray(values))
    if mode == "CMYK":
        values = np.array(stored)
        values[changed] = np.asarray(Image.fromarray(after).convert("CMYK"))[changed]
        return Placed(Image.fromarray(values, "CMYK"))
    if mode == "1":
        placed = _put_back(stored.convert("L"), after, changed)
        return Placed(placed.pixels, ("black and white became grey",))
    if stored.has_transparency_data:
        grey = mode in ("LA", "La")
        values = np.array(stored.convert("LA" if grey else "RGBA"))
        colours = _without_white(after, values[..., -1:] / 255.0)
        values[changed, :-1] = (_grey(colours)[..., None] if grey else colours)[changed]
        return Placed(Image.fromarray(values))
    return Placed(Image.fromarray(after), (f"the mode {mode} became RGB",))


def _put_beside_key(stored: Image.Image, after: np.ndarray, changed: np.ndarray) -> Image.Image:
    """Puts restored pixels into a picture of which one colour may stand for transparency."""
    values = np.array(stored)
    new = _grey(after) if stored.mode == "L" else after
    if "transparency" not in stored.info:
        values[changed] = new[changed]
        return Image.fromarray(values)
    key = np.atleast_1d(stored.info["transparency"])
    flat, new = values.reshape(-1, len(key)), new.reshape(-1, len(key)).copy()
    replaced = changed.ravel() & (flat != key).any(axis=1)
    new[(new == key).all(axis=1)] = np.where(key < 128, key + 1, key - 1)
    flat[replaced] = new[replaced]
    placed = Image.fromarray(values)
    placed.info["transparency"] = stored.info["transparency"]
    return placed


def _put_back_deep(stored: np.ndarray, after: np.ndarray, changed: np.ndarray) -> np.ndarray:
    values = stored.copy()
    colours = _without_white(after, stored[..., 3:] / 65535.0) if stored.shape[2] == 4 else after
    values[changed, :3] = colours[changed].astype(np.uint16) * _TO_16_BITS
    return values


def _put_into_palette(stored: Image.Image, after: np.ndarray, changed: np.ndarray) -> Placed:
    """Gives restored pixels the colours that no pixel has, or the nearest ones; the others keep theirs."""
    indices = np.array(stored)
    palette = np.zeros((256, 3), np.uint8)
    colours = np.array(stored.getpalette("RGB") or [], np.uint8).reshape(-1, 3)
    palette[: len(colours)] = colours
    transparent = stored.info.get("transparency", b"")
    alpha = np.full(256, 255, np.uint8)
    alpha[[transparent] if isinstance(transparent, int) else range(len(transparent))] = (
        0 if isinstance(transparent, int) else list(transparent)
    )
    changed = changed & (alpha[indices] > 0)
    used = set(np.unique(indices[~changed]).tolist())
    free = np.array([index for index in range(256) if index not in used and alpha[index] == 255])
    if not changed.any():
        return Placed(stored)
    region = Image.fromarray(after[changed][None])
    if len(free) >= _LEAST_FREE:
        reduced = region.quantize(len(free), dither=Image.Dither.NONE)
        new = np.array(reduced.getpalette("RGB"), np.uint8).reshape(-1, 3)[: len(free)]
        palette[free[: len(new)]] = new
        indices[changed] = free[np.asarray(reduced)[0]]
    else:
        opaque = np.array([index for index in sorted(used) if alpha[index] == 255] or [0])
        known = Image.new("P", (1, 1))
        known.putpalette(np.resize(palette[opaque], (256, 3)).ravel().tolist())
        nearest = np.asarray(region.quantize(palette=known, dither=Image.Dither.NONE))[0].astype(int)
        indices[changed] = opaque[nearest % len(opaque)]
    placed = Image.fromarray(indices, "P")
    placed.putpalette(palette.ravel().tolist())
    if "transparency" in stored.info:
        placed.info["transparency"] = transparent
    return Placed(placed, ("the restored colours are those of a palette",))


def fitted(pixels: Pixels, file_format: str) -> Placed:
    """Returns a picture in a mode that a format holds, and what is lost by that.

    Args:
        pixels: the picture.
        file_format: one of Pillow's names.
    """
    notes: list[str] = []
    if isinstance(pixels, np.ndarray):
        if file_format in ("PNG", "TIFF"):
            return Placed(pixels)
        pixels = Image.fromarray((pixels / _TO_16_BITS + 0.5).astype(np.uint8))
        notes.append("16 bits a channel became 8")
    if pixels.mode in _KEEPS[file_format]:
        return Placed(pixels, tuple(notes))
    if pixels.mode in _GREY_16:
        levels = (np.clip(np.asarray(pixels), 0, 65535) / _TO_16_BITS + 0.5).astype(np.uint8)
        pixels = Image.fromarray(levels)
        notes.append("16 bits a channel became 8")
    if pixels.has_transparency_data and file_format in _NO_ALPHA:
        pixels = pixels.convert("RGBA")
        pixels = Image.alpha_composite(Image.new("RGBA", pixels.size, "white"), pixels)
        notes.append("what was transparent became white")
    if file_format == "GIF":
        if pixels.mode not in _KEEPS["GIF"]:
            pixels = pixels.convert("RGB").quantize(256)
            notes.append("the colours became those of a palette")
    elif pixels.mode not in _KEEPS[file_format]:
        with_alpha = pixels.has_transparency_data and file_format not in _NO_ALPHA
        pixels = pixels.convert("RGBA" if with_alpha else "RGB")
    return Placed(pixels, tuple(notes))


def _grey(colours: np.ndarray) -> np.ndarray:
    return np.asarray(Image.fromarray(colours).convert("L"))


def _without_white(shown: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """Returns the colours that look like this over white, with this transparency."""
    colours = (shown - 255.0 * (1.0 - alpha)) / np.maximum(alpha, 1 / 255)
    return np.clip(colours + 0.5, 0, 255).astype(np.uint8)
