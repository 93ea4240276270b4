"""The pictures that are explained: of a run's own data, of other prepared data, or of a folder of photographs."""

from __future__ import annotations

import functools
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from keras_deid.config import Config
from keras_deid.data.evaluation_examples import evaluation_batch, evaluation_examples
from keras_deid.data.images import find_images
from keras_deid.data.picture_cache import padded_boxes
from keras_deid.errors import UserError
from keras_deid.preparation.prepare import NoExamplesError, prepare

# Photographs that are looked at together at least: starting a detector is not worth it for less.
LEAST_PHOTOS = 8
# The de-identified region, the person, and the rest of the person.
REGIONS = ("mask", "person", "rest")
# Pixels around the de-identified region, at least, that do not count as the rest of the person.
MARGIN = 4


@dataclass(frozen=True)
class Pictures:
    """What is explained, all in memory.

    Attributes:
        x: uint8 `(pictures, height, width, 3)`, de-identified.
        y: the same before that.
        mask: bool `(pictures, height, width)`, True where de-identified.
        person: the same, True on the person; all False where that is not known.
        paths: what names each picture.
        boxes: float32 `(pictures, faces, 4)`, the faces, the main one first; those without area only fill up. None
            where they are not known.
        margin: pixels around the de-identified region that do not count as the rest of the person: as wide as a cell of
            the maps, over which they are smoothed when they are enlarged.
    """

    x: np.ndarray
    y: np.ndarray
    mask: np.ndarray
    person: np.ndarray
    paths: tuple[str, ...]
    boxes: np.ndarray | None = None
    margin: int = MARGIN

    def __len__(self) -> int:
        return len(self.paths)

    @property
    def size(self) -> tuple[int, int]:
        """(height, width)."""
        return self.x.shape[1], self.x.shape[2]

    @property
    def batch(self) -> int:
        """How many pictures go through the networks at a time; no map depends on it."""
        return evaluation_batch(self.size)

    @functools.cached_property
    def near_mask(self) -> np.ndarray:
        """The de-identified region, and up to `margin` pixels around it: bool `(pictures, height, width)`."""
        square = np.ones((2 * self.margin + 1, 2 * self.margin + 1), np.uint8)
        return np.stack([cv2.dilate(mask.astype(np.uint8), square) != 0 for mask in self.mask])

    def regions(self) -> dict[str, np.ndarray]:
        """The regions that at least one picture has, by name: bool `(pictures, height, width)` each."""
        named = {"mask": self.mask, "person": self.person, "rest": self.person & ~self.near_mask}
        if not self.mask.any():
            del named["rest"]  # is the person
        return {name: region for name, region in named.items() if region.any()}


def load_pictures(config: Config, split: str = "test", limit: int | None = None) -> Pictures:
    """Loads the first pictures of a split, de-identified as in the run's evaluation.

    Args:
        config: its `data` and `deidentify` say what the pictures are.
        split: "train", "val" or "test".
        limit: how many at most; None for all.

    Raises:
        UserError: if the data are missing or the split is empty.
    """
    return _pictures(_examples(config, split), limit)


def pictures_of_folder(folder: Path, config: Config, limit: int | None = None) -> Pictures:
    """Finds the faces on photographs, cuts them out and de-identifies them, as was done for the run's training.

    Args:
        folder: photographs, at any depth.
        config: its `data.prepare` says how pictures are cut, its `deidentify` how they are de-identified.
        limit: how many pictures at most; only as many photographs are looked at as give them. None for all.

    Raises:
        UserError: if there are no images in the folder, or no faces on them.
    """
    found: list[Mapping[str, Any]] = []
    photos = find_images(folder)
    with tempfile.TemporaryDirectory() as place:
        looked_at = 0
        while looked_at < len(photos) and (limit is None or len(found) < limit):
            wanted = len(photos) if limit is None else max(limit - len(found), LEAST_PHOTOS)
            some = photos[looked_at : looked_at + wanted]
            found += _faces_on(some, folder, Path(place) / str(looked_at), config)
            looked_at += len(some)
    if not found:
        raise UserError(f"{folder}: no faces were found on its photographs; lower data.prepare.min_score or min_face")
    return _pictures(iter(found), limit)


def _faces_on(photos: Sequence[Path], folder: Path, place: Path, config: Config) -> list[Mapping[str, Any]]:
    """Prepares some of the photographs in a folder, in `place`; there may be no face on them."""
    for photo in photos:
        link = place / "photos" / photo.relative_to(folder)
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(photo.resolve())
    settings = {**config.data.prepare.model_dump(), "val_fraction": 0.0, "test_fraction": 0.0}
    try:
        prepare(place / "photos", place / "prepared", **settings, workers=1)
    except NoExamplesError:
        return []
    data = config.data.model_copy(update={"source": "prepared", "path": place / "prepared"})
    return list(_examples(config.model_copy(update={"data": data}), "train"))


def _examples(config: Config, split: str) -> Iterator[Mapping[str, Any]]:
    examples = evaluation_examples(config.data, config.deidentify, split, evaluation_batch(config.data.image_size))
    yield from examples.unbatch().as_numpy_iterator()


def _pictures(examples: Iterator[Mapping[str, Any]], limit: int | None) -> Pictures:
    chosen = [example for _, example in zip(range(limit), examples, strict=False)] if limit else list(examples)
    return Pictures(
        x=np.stack([example["x"] for example in chosen]),
        y=np.stack([example["y"] for example in chosen]),
        mask=np.stack([example["mask"][..., 0] != 0 for example in chosen]),
        person=np.stack([(example["person"][..., 0] != 0) & example["has_person"] for example in chosen]),
        paths=tuple(example["path"].decode("utf-8", "replace") for example in chosen),
        boxes=padded_boxes([example["boxes"] for example in chosen]),
    )


def check_pictures(pictures: Pictures) -> None:
    """Sees that there are pictures with something to look for.

    Raises:
        UserError: if not.
    """
    if not len(pictures):
        raise UserError("no pictures to explain; choose another folder, data set or split")
    if not pictures.regions():
        raise UserError("no picture has a de-identified region or a person mask: there is nothing to look for on a map")
