"""Where pictures come from, and how faces are hidden in them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import pydantic

from keras_deid.config.section import Flag, Fraction, NonNegativeInt, Positive, PositiveInt, Section, Weight

Side = Annotated[int, pydantic.Field(strict=True, ge=16, multiple_of=4)]


def _place(value: object) -> Path | str:
    if isinstance(value, str):
        return value if "://" in value else Path(value)
    if isinstance(value, Path):
        return value
    raise ValueError(f"should be a path or a URL, received {value!r}")


Place = Annotated[Path | str, pydantic.PlainValidator(_place)]
"""A path, or a URL, which stays a string: a `Path` would lose one of its slashes."""


class PrepareConfig(Section):
    """How photographs become a prepared data set."""

    region: Literal["face", "photo"] = "face"
    """Store a square crop around each face, or the whole photograph."""
    context: Annotated[float, pydantic.Field(strict=True, ge=1, allow_inf_nan=False)] = 2.0
    """Side of the square crop divided by the longer side of the face box."""
    off_centre: Annotated[float, pydantic.Field(strict=True, ge=0, le=1)] = 0.0
    """How far from the middle of its crop a face may lie: 0 always in the middle, 1 anywhere in the crop."""
    size: Annotated[int, pydantic.Field(strict=True, ge=16, le=4096)] = 96
    """Side of a stored crop, or shorter side of a stored photograph, in pixels."""
    enlarge: Flag = True
    """Enlarge what is smaller than `size`; false keeps its own resolution, and `size` is the most."""
    min_face: Positive = 24.0
    """Faces narrower than this are left out; pixels of the photograph."""
    min_score: Annotated[float, pydantic.Field(strict=True, gt=0, lt=1)] = 0.5
    """Detections with a lower score are left out."""
    val_fraction: Fraction = 0.1
    test_fraction: Fraction = 0.1

    @pydantic.model_validator(mode="after")
    def _leave_something_to_train_on(self) -> PrepareConfig:
        if self.val_fraction + self.test_fraction >= 1:
            raise ValueError(
                "val_fraction + test_fraction should be less than 1, so that there is something to train on; received "
                f"{self.val_fraction} + {self.test_fraction}"
            )
        return self


class SyntheticConfig(Section):
    """How many drawn scenes each split has."""

    train: PositiveInt = 2000
    val: PositiveInt = 64
    test: PositiveInt = 200
    seed: NonNegativeInt = 0


class DataConfig(Section):
    """Where the pictures come from."""

    source: Literal["synthetic", "prepared", "folders", "side_by_side", "unpaired_folders"] = "synthetic"
    """Drawn scenes; a prepared data set; two folders of pairs; Pix2Pix's side-by-side pictures; CycleGAN's folders."""
    path: Place | None = None
    """The prepared data set (a folder, or `gs://BUCKET/NAME`), the folder that holds `x/` and `y/`, the one of
    side-by-side pictures, or the one that holds `trainA/` (de-identified), `trainB/` (originals) and, with the same
    names on both sides, `testA/`, ..."""
    photos: Path | None = None
    """Photographs from which `path` is prepared when it does not exist yet."""
    boxes: Path | None = None
    """CSV of face boxes (path,x0,y0,x1,y1); without it, faces are detected."""
    masks: Path | None = None
    """Folder of masks with the photographs' file names: person masks, or for pairs the de-identified region."""
    original_half: Literal["left", "right"] = "right"
    """Which half of a side-by-side picture is the original."""
    image_size: tuple[Side, Side] = (64, 64)
    """(height, width) of the networks' pictures, in pixels; multiples of 4."""
    load_scale: Annotated[float, pydantic.Field(strict=True, ge=1)] = 286 / 256
    """Training pictures are resized to this multiple of `image_size`, then cropped at random (Pix2Pix: 286 to 256)."""
    flip: Flag = True
    """Mirror half of the training pictures."""
    crop_context: Annotated[float, pydantic.Field(strict=True, ge=1, le=8)] = 1.25
    """With `deidentify.method: catalogue`: side of the crop relative to the longer side of the hidden region."""
    prepare: PrepareConfig = PrepareConfig()
    synthetic: SyntheticConfig = SyntheticConfig()

    @pydantic.model_validator(mode="after")
    def _know_where_from(self) -> DataConfig:
        if self.source != "synthetic" and self.path is None:
            raise ValueError(f"data.path should be given for source {self.source!r}")
        if isinstance(self.path, str) and (self.source != "prepared" or self.photos is not None):
            raise ValueError(f"data.path should be a local path, unless it is a data set that is prepared: {self.path}")
        return self


class DeidentifyConfig(Section):
    """How faces are hidden, while batches are made."""

    method: Literal["mosaic", "blur", "box", "catalogue"] = "mosaic"
    """One method with the settings below; or a draw from the catalogue in `keras_deid/hiding/` for each picture, at the
    photograph's own resolution, with the settings of `hiding/mixture.py`."""
    weights: dict[str, Weight] = {}
    """With `catalogue`: how often each method is drawn; empty: the weights in `hiding/mixture.py`."""
    shape: Literal["rectangle", "ellipse"] = "rectangle"
    scale: Positive = 1.0
    """The face box is enlarged by this factor about its centre."""
    unit: Literal["face", "pixels"] = "face"
    """Unit of `train_block_size` and `block_size`: widths of the face box, or pixels."""
    train_block_size: tuple[Positive, Positive] = (0.2, 0.2)
    """Mosaic block (or blur sigma): drawn uniformly from this range for each training picture."""
    block_size: Positive = 0.2
    """Mosaic block (or blur sigma) for validation and test."""

    @pydantic.model_validator(mode="after")
    def _range_in_order(self) -> DeidentifyConfig:
        if self.train_block_size[0] > self.train_block_size[1]:
            raise ValueError(f"train_block_size should be (low, high), received {list(self.train_block_size)}")
        return self

    @pydantic.model_validator(mode="after")
    def _weights_of_methods(self) -> DeidentifyConfig:
        if not self.weights:
            return self
        from keras_deid.hiding.hiding import METHODS

        for name in self.weights:
            if name not in METHODS:
                raise ValueError(f"weights should be of {', '.join(METHODS)}, received {name!r}")
        if not any(self.weights.values()):
            raise ValueError("weights should not all be 0")
        return self
