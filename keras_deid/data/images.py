"""Pictures and masks from files, whatever their form, as uint8 RGB arrays."""

import io
import warnings
from collections.abc import Callable
from pathlib import Path, PurePath

import cv2
import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from keras_deid.atomic import write_bytes
from keras_deid.errors import UserError

try:
    import pillow_heif
except ImportError:
    _HEIF: tuple[str, ...] = ()
else:
    pillow_heif.register_heif_opener()
    _HEIF = (".heic", ".heif", ".hif")

IMAGE_SUFFIXES = (".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".bmp", ".tif", ".tiff", ".gif", ".avif", *_HEIF)

PIXEL_LIMIT = 100_000_000
"""Largest picture that is opened, in pixels: a small file can claim any size, and three bytes a pixel add up."""

# What Pillow may take a file for, whatever its suffix says: others of its readers start programs.
_FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF", "AVIF", *(("HEIF",) if _HEIF else ()))

_OPENCV_CHANNELS = 4
"""OpenCV resizes no more at a time, unless the factor is a whole number."""

_SIXTEEN_BIT_MODES = ("I", "I;16", "I;16L", "I;16B", "I;16N")


_OTHER_KINDS = {
    b"%PDF": "a PDF file",
    b"%!PS": "a PostScript file",
    b"<svg": "an SVG drawing",
    b"8BPS": "a Photoshop file",
    b"\0\0\0\x0cjP": "a JPEG 2000 picture",
    b"\0\0\0\x0cJXL": "a JPEG XL picture",
    b"\xff\x0a": "a JPEG XL picture",
}
"""Files that Pillow does not take, or not safely, by their first bytes."""


class ImageError(UserError):
    """A file that cannot be used as a picture.

    Args:
        path: the file.
        reason: why, in a few words that make sense without the path.
        mend: what to do about it.
    """

    def __init__(self, path: Path | str, reason: str, mend: str = "mend, replace or remove the file") -> None:
        super().__init__(path, reason)
        self.mend = mend
        self.path = path
        self.reason = reason

    def __str__(self) -> str:
        """One line with the file and the reason."""
        return f"{self.path}: {self.reason}; {self.mend}"


def find_images(folder: Path | str) -> list[Path]:
    """Lists the pictures in a folder and its sub-folders.

    Hidden files and folders (names with a leading dot) are left out.

    Args:
        folder: where to look.

    Returns:
        Paths that begin with `folder`, sorted by their path inside it.

    Raises:
        UserError: if `folder` is missing, is not a folder, or holds no picture.
    """
    folder = Path(folder)
    if not folder.is_dir():
        found = "is not a folder" if folder.exists() else "does not exist"
        raise UserError(f"{folder}: {found}; give a folder with photographs")
    relative = (path.relative_to(folder) for path in folder.rglob("*"))
    pictures = sorted(path.as_posix() for path in relative if is_picture(path) and (folder / path).is_file())
    if not pictures:
        kinds = " ".join(IMAGE_SUFFIXES)
        raise UserError(f"{folder}: no picture in it or in its sub-folders; looked for {kinds}")
    return [folder / path for path in pictures]


def is_picture(relative: PurePath) -> bool:
    """Whether a file counts as a picture, by its path inside the folder that is looked at."""
    return relative.suffix.lower() in IMAGE_SUFFIXES and not any(part.startswith(".") for part in relative.parts)


def image_size(path: Path | str) -> tuple[int, int]:
    """Reads the size of a picture from its header, without decoding it.

    Args:
        path: the file.

    Returns:
        (height, width), after the EXIF orientation.

    Raises:
        ImageError: if the file is missing, broken, or above `PIXEL_LIMIT`.
    """
    with open_image(path) as picture:
        width, height = picture.size
        return (width, height) if _is_on_its_side(picture) else (height, width)


def read_image(path: Path | str) -> np.ndarray:
    """Reads a picture upright and in colour.

    The EXIF orientation is applied. Grey, palette, CMYK and 16-bit pictures become 8-bit RGB; what is transparent is
    laid over white; of an animation the first frame is taken.

    Args:
        path: the file.

    Returns:
        uint8 array `(height, width, 3)`, RGB.

    Raises:
        ImageError: if the file is missing, broken, of an unknown kind, or above `PIXEL_LIMIT`.
    """
    with open_image(path) as picture:
        return np.asarray(decode_upright(path, picture, to_rgb))


def read_mask(path: Path | str) -> np.ndarray:
    """Reads a mask: a picture that is bright where it applies.

    A pixel counts if it is brighter than half of the mask's brightest, so that masks written as 0 and 1, as 0 and 255,
    or with soft edges all read alike.

    Args:
        path: the file.

    Returns:
        uint8 array `(height, width)` of 0 and 1.

    Raises:
        ImageError: as `read_image`.
    """
    with open_image(path) as picture:
        levels = np.asarray(decode_upright(path, picture, _to_levels))
    return (levels * 2.0 > levels.max()).astype(np.uint8)


def write_png(path: Path | str, image: np.ndarray) -> None:
    """Writes a picture as PNG, whole or not at all.

    Args:
        path: the file; folders that are missing are made.
        image: uint8 array `(height, width, 3)`, RGB, or `(height, width)`, grey.

    Raises:
        ValueError: if `image` has another type or shape.
        UserError: if the file cannot be written.
    """
    if image.dtype != np.uint8 or not (image.ndim == 2 or image.ndim == 3 and image.shape[2] == 3):
        raise ValueError(
            "Expected a uint8 array (height, width) or (height, width, 3). "
            f"Received: dtype={image.dtype}, shape={image.shape}"
        )
    path = Path(path)
    encoded = io.BytesIO()
    Image.fromarray(image).save(encoded, format="PNG")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_bytes(path, encoded.getvalue())
    except OSError as error:
        raise UserError(f"{path}: cannot be written ({error.strerror or error}); choose another place") from error


def resize_image(image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Resizes a picture: by the mean over areas if it becomes smaller, by cubic interpolation if larger.

    Args:
        image: array `(height, width)` or `(height, width, channels)`, uint8 or float32.
        size: (height, width) to come to.

    Returns:
        Array of the same type and number of channels.
    """
    shrinks = size[0] <= image.shape[0] and size[1] <= image.shape[1]
    interpolation = cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
    if image.ndim == 2 or 1 < image.shape[2] <= _OPENCV_CHANNELS:
        return cv2.resize(image, (size[1], size[0]), interpolation=interpolation)
    groups = (image[:, :, start : start + _OPENCV_CHANNELS] for start in range(0, image.shape[2], _OPENCV_CHANNELS))
    return np.dstack([cv2.resize(group, (size[1], size[0]), interpolation=interpolation) for group in groups])


def resize_mask(mask: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Resizes a mask: a pixel of the result is 1 if at least half of what it covers is.

    Args:
        mask: uint8 array `(height, width)` of 0 and 1.
        size: (height, width) to come to.

    Returns:
        uint8 array of 0 and 1.
    """
    return (resize_image(mask.astype(np.float32), size) >= 0.5).astype(np.uint8)


def encode_png(image: np.ndarray) -> bytes:
    """Encodes a picture as PNG; the same picture always gives the same bytes.

    Args:
        image: uint8 array `(height, width, 3)`, RGB, or `(height, width)`, grey.
    """
    in_order_of_opencv = image[:, :, ::-1] if image.ndim == 3 else image  # BGR
    return cv2.imencode(".png", in_order_of_opencv)[1].tobytes()


def open_image(path: Path | str) -> Image.Image:
    """Opens a picture without decoding it; close it, or use it in a `with` statement.

    Raises:
        ImageError: if the file is missing, broken, of an unknown kind, or above `PIXEL_LIMIT`.
    """
    try:
        with warnings.catch_warnings(action="ignore"):  # about large pictures: our own limit is below
            picture = Image.open(path, formats=_FORMATS)
    except Image.DecompressionBombError as error:
        raise ImageError(path, f"too large (more than {PIXEL_LIMIT} pixels)") from error
    except Exception as error:  # Pillow's readers raise whatever a broken header leads to
        raise ImageError(path, _reason(path, error)) from error
    width, height = picture.size
    if width * height > PIXEL_LIMIT:
        picture.close()
        raise ImageError(path, f"too large ({width} x {height}, more than {PIXEL_LIMIT} pixels)")
    if picture.mode == "F":
        picture.close()
        raise ImageError(path, "floating-point images are not supported (unknown white level)")
    return picture


def decode_upright(
    path: Path | str, picture: Image.Image, convert: Callable[[Image.Image], Image.Image]
) -> Image.Image:
    """Decodes a picture, turns it upright, and converts it.

    Args:
        path: of the file, for errors.
        picture: from `open_image`.
        convert: what is done last.

    Raises:
        ImageError: if it is broken.
    """
    try:
        with warnings.catch_warnings(action="ignore"):  # about metadata: what matters raises
            picture.load()
            return convert(_upright(picture))
    except Exception as error:  # as above, for the pixels
        raise ImageError(path, _reason(path, error)) from error


def _upright(picture: Image.Image) -> Image.Image:
    return picture if orientation_of(picture) == 1 else ImageOps.exif_transpose(picture)


def orientation_of(picture: Image.Image) -> int:
    """Returns the EXIF orientation, 1 to 8; 1 where there is none."""
    try:
        with warnings.catch_warnings(action="ignore"):
            return picture.getexif().get(0x0112, 1)
    except Exception:  # a picture with broken metadata is a picture
        return 1


def _is_on_its_side(picture: Image.Image) -> bool:
    return picture.format != "TIFF" and orientation_of(picture) in (5, 6, 7, 8)  # Pillow turns TIFF by itself


def to_rgb(picture: Image.Image) -> Image.Image:
    """Returns a decoded picture as 8-bit RGB, what is transparent laid over white."""
    if picture.mode in _SIXTEEN_BIT_MODES:
        return _to_levels(picture).convert("RGB")
    if picture.has_transparency_data:
        picture = picture.convert("RGBA")
        white = Image.new("RGBA", picture.size, "white")
        return Image.alpha_composite(white, picture).convert("RGB")
    return picture.convert("RGB")


def _to_levels(picture: Image.Image) -> Image.Image:
    if picture.mode in _SIXTEEN_BIT_MODES:
        return Image.fromarray((np.clip(np.asarray(picture), 0, 65535) / 257 + 0.5).astype(np.uint8))
    return picture.convert("L")


def _reason(path: Path | str, error: Exception) -> str:
    if isinstance(error, FileNotFoundError):
        return "does not exist"
    if isinstance(error, PermissionError):
        return "cannot be read (permission denied)"
    if isinstance(error, UnidentifiedImageError):
        return _unknown(path)
    return f"broken image: {' '.join(str(error).split()) or type(error).__name__}"


def _unknown(path: Path | str) -> str:
    """Says why Pillow takes a file for none of its formats: another kind of file, or a broken picture."""
    with open(path, "rb") as file:
        start = file.read(16)
    for magic, kind in _OTHER_KINDS.items():
        if start.startswith(magic):
            return f"{kind}, which is not read; convert it to one of {', '.join(_FORMATS)}"
    if start[8:12] in (b"heic", b"heix", b"hevc", b"mif1") and not _HEIF:
        return "a HEIC picture, which needs the package pillow-heif"
    return "broken image: not a picture of a known kind" if start else "broken image: empty file"
