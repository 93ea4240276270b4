"""A prepared data set on disk: what it consists of, and how it is read.

TensorFlow is loaded when records are read: it takes seconds, and a look at the description does not need it.

    OUT/
      dataset.json         schema version, settings, counts, fingerprint, versions: written last
      train-00000.tfrecord ...  val-00000.tfrecord ...  test-00000.tfrecord ...
      skipped.csv          path,reason: the photographs that gave no example
      contact_sheet.png    some examples of each split, with face box and person outline
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import pydantic

from keras_deid.config.mistakes import check_schema
from keras_deid.data.images import PIXEL_LIMIT
from keras_deid.data.split import SPLITS
from keras_deid.errors import UserError

if TYPE_CHECKING:
    import tensorflow as tf

SCHEMA = 2
"""1 had `val_share` and `test_share` among the settings; it is still read."""
DESCRIPTION = "dataset.json"
CONTACT_SHEET = "contact_sheet.png"


_Count = Annotated[int, pydantic.Field(strict=True, ge=0)]


class _Shard(pydantic.BaseModel):
    file: Annotated[str, pydantic.Field(pattern=r"^(train|val|test)-[0-9]+(-of-[0-9]+)?\.tfrecord$")]
    examples: _Count
    bytes: _Count


class _Split(pydantic.BaseModel):
    examples: _Count
    shards: list[_Shard]

    @pydantic.model_validator(mode="after")
    def _adds_up(self) -> _Split:
        if self.examples != (there := sum(shard.examples for shard in self.shards)):
            raise ValueError(f"examples should be the {there} of the shards, received {self.examples}")
        return self


class _Settings(pydantic.BaseModel):
    region: Literal["face", "photo"]
    size: Annotated[int, pydantic.Field(strict=True, ge=1, le=4096)]
    enlarge: bool = True


class _Description(pydantic.BaseModel):
    """What of `dataset.json` other code relies on."""

    settings: _Settings
    splits: dict[Literal["train", "val", "test"], _Split]
    fingerprint: str
    inputs: str = ""
    skipped: dict[str, int] = {}

    @pydantic.model_validator(mode="after")
    def _has_all_splits(self) -> _Description:
        if missing := [split for split in SPLITS if split not in self.splits]:
            raise ValueError(f"splits should have {', '.join(missing)}")
        return self


class PreparedDataset:
    """A prepared data set, opened for reading.

    Attributes:
        folder: where it lies; a string for what TensorFlow reads from elsewhere, such as `gs://BUCKET/NAME`.
        description: what is in `dataset.json`.
        settings: what it was prepared with.
        counts: number of examples of each split.
        fingerprint: hexadecimal; the same for the same examples.
    """

    def __init__(self, folder: Path | str, description: dict[str, Any]) -> None:
        self.folder = folder
        self.description = description
        self.settings: dict[str, Any] = description["settings"]
        self.counts: dict[str, int] = {split: description["splits"][split]["examples"] for split in SPLITS}
        self.fingerprint: str = description["fingerprint"]

    @classmethod
    def open(cls, folder: Path | str) -> PreparedDataset:
        """Opens a prepared data set.

        Args:
            folder: what `keras-deid prepare` wrote; on this computer, or a URL that TensorFlow reads (`gs://...`).

        Raises:
            UserError: if `folder` is missing or not a prepared data set, has another schema version, or lacks a shard.
        """
        folder = place_of(folder)
        description = read_description(folder)
        shards = [shard for split in SPLITS for shard in description["splits"][split]["shards"]]
        for shard in shards if isinstance(folder, Path) else ():  # elsewhere, a look at each would take minutes
            path = folder / shard["file"]
            if not path.is_file() or path.stat().st_size != shard["bytes"]:
                state = "is not as it was written" if path.is_file() else "is missing"
                raise UserError(f"{path}: {state}; prepare the photographs again")
        return cls(folder, description)

    def examples(self, split: str) -> tf.data.Dataset:
        """Reads the examples of a split, always in the same order.

        Args:
            split: `"train"`, `"val"` or `"test"`.

        Returns:
            Dictionaries with `image` uint8 `(height, width, 3)`, RGB; `box` float32 `(4,)`, the face, pixels of the
            picture; `person` uint8 `(height, width)`, 1 on the person, zeros if unknown; `has_person` bool; `path`
            string. Height and width are the setting `size` for crops of faces. Whole photographs differ in size and
            have also `boxes` float32 `(faces, 4)`, all faces in them, that of `box` first.

        Raises:
            ValueError: if there is no such split.
        """
        import tensorflow as tf

        if split not in SPLITS:
            raise ValueError(f"Expected a split of {SPLITS}. Received: split={split!r}")
        examples = tf.data.TFRecordDataset(self.files(split)).map(self.decode, num_parallel_calls=tf.data.AUTOTUNE)
        return examples.apply(tf.data.experimental.assert_cardinality(self.counts[split]))

    def read(self, split: str) -> Iterator[dict[str, Any]]:
        """Yields the examples of a split as numpy arrays.

        Raises:
            UserError: if a record is damaged.
        """
        import tensorflow as tf

        try:
            yield from self.examples(split).as_numpy_iterator()
        except tf.errors.OpError as error:
            raise UserError(
                f"{self.folder}: the {split} split is damaged ({_first_line(error)}); prepare the photographs again"
            ) from error

    def files(self, split: str) -> list[str]:
        """Returns the files with the records of a split, in order."""
        return [f"{self.folder}/{shard['file']}" for shard in self.description["splits"][split]["shards"]]

    def decode(self, record: tf.Tensor) -> dict[str, tf.Tensor]:
        """Reads one record, as `examples` gives it."""
        if self.settings["region"] == "photo":
            return decode_record(record)
        size = self.settings["size"]
        example = decode_record(record, size**2)
        del example["boxes"]  # as many as there are faces in the crop: such examples make no batch
        if self.settings.get("enlarge", True):
            example["image"].set_shape((size, size, 3))
            example["person"].set_shape((size, size))
        return example


def read_description(folder: Path | str) -> dict[str, Any]:
    """Reads `dataset.json`.

    Raises:
        UserError: if `folder` is missing, is not a prepared data set, or is of another schema version.
    """
    try:
        text = _read_text(folder)
    except FileNotFoundError as error:
        state = f"has no {DESCRIPTION}" if isinstance(folder, str) or folder.is_dir() else "does not exist"
        raise UserError(f"{folder}: {state}; give a folder that keras-deid prepare wrote") from error
    except (OSError, ValueError) as error:
        raise _unreadable(folder, error) from error
    return parse_description(folder, text)


def place_of(folder: Path | str) -> Path | str:
    """Returns a folder as a `Path`, or, if it is a URL (`gs://...`), as the string that it is."""
    return str(folder) if "://" in str(folder) else Path(folder)


def _read_text(folder: Path | str) -> str:
    if isinstance(folder, Path):
        return (folder / DESCRIPTION).read_text(encoding="utf-8")
    import tensorflow as tf

    try:
        with tf.io.gfile.GFile(f"{folder}/{DESCRIPTION}") as file:
            return str(file.read())
    except tf.errors.NotFoundError as error:
        raise FileNotFoundError(str(error)) from error
    except tf.errors.OpError as error:
        raise OSError(error.message) from error


def parse_description(folder: Path | str, text: str) -> dict[str, Any]:
    """Reads the content of `dataset.json`; `folder` names its place in messages.

    Raises:
        UserError: if it is not the description of a prepared data set, or of another schema version.
    """
    try:
        description: dict[str, Any] = json.loads(text)
        schema = description["schema"]
        if schema == 1:
            settings = {key.replace("_share", "_fraction"): value for key, value in description["settings"].items()}
            description = {**description, "settings": settings}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise _unreadable(folder, error) from error
    if schema not in (1, SCHEMA):
        raise UserError(
            f"{folder}/{DESCRIPTION}: expected schema version {SCHEMA}; received {schema}; "
            "prepare the photographs again with this version"
        )
    check_schema(f"{folder}/{DESCRIPTION}", _Description, description, "prepare the photographs again")
    return description


def _unreadable(folder: Path | str, error: Exception) -> UserError:
    return UserError(f"{folder}/{DESCRIPTION}: cannot be read ({error}); prepare the photographs again")


def decode_record(record: tf.Tensor, most_pixels: int = PIXEL_LIMIT) -> dict[str, tf.Tensor]:
    """Reads one record; the result is as `PreparedDataset.examples` gives whole photographs."""
    import tensorflow as tf

    features = tf.io.parse_single_example(
        record,
        {
            "image": tf.io.FixedLenFeature((), tf.string),
            "boxes": tf.io.VarLenFeature(tf.float32),
            "person": tf.io.FixedLenFeature((), tf.string),
            "path": tf.io.FixedLenFeature((), tf.string),
        },
    )
    image = tf.io.decode_png(_checked(features["image"], most_pixels), channels=3)
    boxes = tf.debugging.assert_all_finite(tf.reshape(features["boxes"].values, (-1, 4)), "a box is not finite")
    has_person = tf.strings.length(features["person"]) > 0
    person = tf.cond(
        has_person,
        lambda: tf.io.decode_png(_checked(features["person"], most_pixels), channels=1)[:, :, 0] // 255,
        lambda: tf.zeros(tf.shape(image)[:2], tf.uint8),
    )
    return {
        "image": image,
        "box": boxes[0],
        "boxes": boxes,
        "person": person,
        "has_person": has_person,
        "path": features["path"],
    }


def _checked(png: tf.Tensor, most_pixels: int) -> tf.Tensor:
    """Fails (INVALID_ARGUMENT) for what is not a PNG, or says that it is larger; the decoder would take the memory."""
    import tensorflow as tf

    header = tf.strings.substr(tf.strings.join([png, b"\0" * 24]), 0, 24)
    # IHDR: width and height, four bytes each.
    width_height = tf.cast(tf.io.decode_raw(tf.strings.substr(header, 16, 8), tf.int32, little_endian=False), tf.int64)
    is_small = tf.reduce_all(width_height > 0) & (tf.reduce_prod(width_height) <= most_pixels)
    is_png = tf.strings.regex_full_match(tf.strings.substr(header, 1, 3), "PNG")
    with tf.control_dependencies(
        [tf.debugging.Assert(is_png & is_small, ["not a PNG, or a picture that is too large"])]
    ):
        return tf.identity(png)


def _first_line(error: Exception) -> str:
    message = str(getattr(error, "message", error)).strip()
    return message.splitlines()[0] if message else type(error).__name__
