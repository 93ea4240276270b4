"""Pictures as files: read with what has to be kept, written whole, in the same format, marked as synthetic."""

from __future__ import annotations

import io
import shutil
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from PIL.JpegImagePlugin import get_sampling
from PIL.PngImagePlugin import PngInfo

from keras_deid.atomic import whole_file, write_bytes
from keras_deid.data.images import image_size, read_image

SYNTHETIC_WHOLE = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
"""IPTC's name for a picture that a trained model made."""
SYNTHETIC_PARTS = "http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia"
"""IPTC's name for a picture of which a trained model made parts."""

JPEG_QUALITY = 95
_ORIENTATION = 0x0112
_FORMATS = {
    ".jpg": "JPEG",
    ".jpeg": "JPEG",
    ".png": "PNG",
    ".webp": "WEBP",
    ".bmp": "BMP",
    ".tif": "TIFF",
    ".tiff": "TIFF",
    ".gif": "GIF",
}
# Formats that hold no XMP packet get it in a file beside them, as editors of pictures do.
_WITH_SIDECAR = ("BMP", "GIF")

_XMP = """\
<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
 xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmp:CreatorTool="keras_deid">
<Iptc4xmpExt:DigitalSourceType>{source_type}</Iptc4xmpExt:DigitalSourceType>
</rdf:Description></rdf:RDF></x:xmpmeta>
<?xpacket end="w"?>"""


@dataclass(frozen=True)
class Opened:
    """A picture file in memory.

    Attributes:
        pixels: uint8 `(height, width, 3)`, RGB, upright; perhaps smaller than the picture, see `open_picture`.
        size: (height, width) of the picture, upright.
        sampling: how much finer a JPEG's brightness is than its colours, in Pillow's numbers; 0 for the same.
        exif: what the file says of camera and time, without the orientation, which is done with; may be empty.
        icc_profile: what the colours mean; may be empty.
    """

    pixels: np.ndarray
    size: tuple[int, int]
    sampling: int
    exif: bytes
    icc_profile: bytes


def open_picture(path: Path, least_side: int | None = None) -> Opened:
    """Reads a picture.

    Args:
        path: the file.
        least_side: if given, fewer pixels will do, see `read_image`.

    Raises:
        ImageError: if it is missing or broken.
    """
    pixels = read_image(path, least_side)
    size = pixels.shape[:2] if least_side is None else image_size(path)
    with warnings.catch_warnings(action="ignore"), Image.open(path) as picture:
        # A profile of CMYK or grey says nothing about the RGB that it has become.
        profile = picture.info.get("icc_profile", b"") if picture.mode in ("RGB", "RGBA", "P") else b""
        sampling = max(get_sampling(picture), 0)  # -1: not a JPEG in colour
        return Opened(pixels, size, sampling, _exif_without_orientation(picture), profile or b"")


def write_picture(path: Path, pixels: np.ndarray, source: Opened, source_type: str | None) -> None:
    """Writes a picture, whole or not at all, a restored one marked as synthetic.

    The mark is IPTC's digital source type, in an XMP packet; for BMP and GIF, which hold none, in `NAME.xmp` beside it.
    A JPEG has the colour resolution of its source; if only parts of it are new, the full one, which does the others
    less harm.

    Args:
        path: its suffix says the format.
        pixels: uint8 `(height, width, 3)`.
        source: the picture that it was made from.
        source_type: `SYNTHETIC_WHOLE` or `SYNTHETIC_PARTS`; None for a picture in which nothing was restored.
    """
    file_format = _FORMATS[path.suffix.lower()]
    packet = _XMP.format(source_type=source_type).encode() if source_type else b""
    if file_format in _WITH_SIDECAR and packet:
        write_bytes(sidecar(path), packet)
    options = _options(file_format, source, packet)
    if file_format == "JPEG":
        options["subsampling"] = source.sampling if source_type == SYNTHETIC_WHOLE else 0
    # Into memory: Pillow's encoders that write into a file themselves do not notice when the disk is full.
    encoded = io.BytesIO()
    Image.fromarray(pixels).save(encoded, file_format, **options)
    write_bytes(path, encoded.getvalue())


def copy_picture(source: Path, path: Path) -> None:
    """Copies a file byte for byte, whole or not at all."""
    with whole_file(path) as partial:
        shutil.copyfile(source, partial)


def sidecar(path: Path) -> Path:
    """Returns where the mark of a picture is whose format holds none."""
    return path.with_name(f"{path.name}.xmp")


def _options(file_format: str, source: Opened, packet: bytes) -> dict[str, Any]:
    if file_format == "GIF":
        return {"comment": packet} if packet else {}
    if file_format == "BMP":
        return {}
    options: dict[str, Any] = {"icc_profile": source.icc_profile} if source.icc_profile else {}
    if source.exif:
        options["exif"] = source.exif
    if file_format == "JPEG":
        return {**options, "quality": JPEG_QUALITY, **({"xmp": packet} if packet else {})}
    if file_format == "PNG":
        info = PngInfo()
        if packet:
            info.add_itxt("XML:com.adobe.xmp", packet.decode())
        return {**options, "pnginfo": info}
    if file_format == "TIFF":
        return {**options, "compression": "tiff_deflate", "tiffinfo": {700: packet} if packet else {}}
    return {**options, "lossless": True, **({"xmp": packet} if packet else {})}


def _exif_without_orientation(picture: Image.Image) -> bytes:
    """Returns EXIF without orientation and thumbnail (Pillow writes none); nothing if it is broken."""
    try:
        exif = picture.getexif()
        exif.pop(_ORIENTATION, None)
        if picture.format == "TIFF":  # its tags are those of the pixels as well
            return b""
        return exif.tobytes() if len(exif) else b""
    except Exception:  # a picture with broken metadata is a picture
        return b""
