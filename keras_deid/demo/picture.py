"""A photograph that is worked on, in memory, and the file that is made of it."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, field
from pathlib import Path, PurePath

import numpy as np

from keras_deid.data.images import PIXEL_LIMIT, ImageError
from keras_deid.errors import UserError
from keras_deid.restoring.found import Region
from keras_deid.restoring.looks import Look
from keras_deid.restoring.picture_files import Opened, open_picture, write_picture
from keras_deid.restoring.xmp import SYNTHETIC_PARTS

_NAME_LIMIT = 100
_GOOD = f"a JPEG, PNG, WebP, BMP, TIFF or GIF file of at most {PIXEL_LIMIT // 10**6} million pixels"


@dataclass(eq=False)
class Picture:
    """A photograph and what has been done to it so far.

    Attributes:
        name: of the file that it came from.
        source: the photograph.
        found: the regions that the locator found last.
        restored: uint8 `(height, width, 3)`; None before the first restoration.
        looks: what the locator saw; None before its first look. Another threshold needs no second one.
    """

    name: str
    source: Opened
    found: list[Region] = field(default_factory=list)
    restored: np.ndarray | None = None
    looks: list[Look] | None = None

    @property
    def pixels(self) -> np.ndarray:
        """The photograph, upright: uint8 `(height, width, 3)`, RGB."""
        return self.source.pixels


def read_picture(content: bytes, name: str) -> Picture:
    """Reads a photograph, whatever its name says of its format.

    Args:
        content: of the file.
        name: of the file, for messages and for the result.

    Raises:
        UserError: if it is not a picture that can be read.
    """
    name = PurePath(name.replace("\\", "/")).name[-_NAME_LIMIT:] or "picture"
    # Pictures are read from files; this one is gone before the function returns.
    with tempfile.TemporaryDirectory(prefix="keras_deid_") as folder:
        path = Path(folder) / "picture"
        path.write_bytes(content)
        try:
            return Picture(name, open_picture(path))
        except ImageError as error:
            raise UserError(f"{name}: {error.reason}; choose {_GOOD}") from error


def restored_file(picture: Picture) -> bytes:
    """Returns the restored picture as a PNG file that is marked as synthetic.

    Raises:
        UserError: if it has not been restored yet.
    """
    if picture.restored is None:
        raise UserError(f"{picture.name}: is not restored yet; restore it first")
    with tempfile.TemporaryDirectory(prefix="keras_deid_") as folder:
        path = Path(folder) / "restored.png"
        write_picture(path, picture.restored, picture.source, SYNTHETIC_PARTS)
        return path.read_bytes()


def restored_name(picture: Picture) -> str:
    """Returns the name of the restored file: `group.jpg` becomes `group_restored.png`."""
    return f"{PurePath(picture.name).stem}_restored.png"
