"""Data sets that already come as pairs of a de-identified picture and its original.

Two forms: a folder with the de-identified pictures and one with the originals, matched by name; and the side-by-side
pictures of [Pix2Pix](https://arxiv.org/abs/1611.07004), a pair in each file. Besides these, the few pairs that a data
set without pairs has to be measured by.

Pictures in sub-folders `train/`, `val/` and `test/` belong to these splits. A split that has no sub-folder is taken out
of what is left for training, by a hash of the names (see `keras_deid.data.split`).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import cv2
import numpy as np

from keras_deid.data.images import find_images, read_image, read_mask
from keras_deid.data.split import SPLITS, path_key, split_of
from keras_deid.errors import UserError

Half = Literal["left", "right"]

DIFFERENCE = 8
"""Levels (of 255) by which a channel has to differ: what JPEG does to a pair stays below it, what a mosaic does to a
face is mostly above it."""

CLOSING = 5
"""Side in pixels of the square that closes a mask: fills the places where a mosaic happens to hit the original."""

NAMED_IN_ERRORS = 3
PAIRS_READ_AHEAD = 64


@dataclass(frozen=True)
class Pair:
    """One pair, decoded.

    Attributes:
        path: what names it.
        x: de-identified, uint8 `(height, width, 3)`.
        y: the original, uint8, the same shape.
        mask: uint8 `(height, width)`, 1 where x is de-identified.
    """

    path: str
    x: np.ndarray
    y: np.ndarray
    mask: np.ndarray

    @property
    def box(self) -> np.ndarray:
        """float32 `(4,)`: the smallest box (x0, y0, x1, y1) around the mask; the whole picture if that is empty."""
        x0, y0, width, height = cv2.boundingRect(self.mask if self.mask.any() else np.ones_like(self.mask))
        return np.array([x0, y0, x0 + width, y0 + height], np.float32)


class Pairs:
    """The pairs of a data set, by split.

    Args:
        keys: what names each pair: its path in the folder, without the suffix.
        read: reads the pair of a key.
        val_fraction: fraction of the pairs for validation, where there is no sub-folder `val/`.
        test_fraction: fraction of the pairs for testing, where there is no sub-folder `test/`.

    Attributes:
        keys: the names of the pairs of each split, in order.
        counts: how many these are.
    """

    def __init__(
        self, keys: Iterable[str], read: Callable[[str], Pair], val_fraction: float = 0.1, test_fraction: float = 0.1
    ) -> None:
        self.keys = _by_split(sorted(keys), val_fraction, test_fraction)
        self.counts = {split: len(keys) for split, keys in self.keys.items()}
        self._read = read

    def read(self, split: str) -> Iterator[Pair]:
        """Reads the pairs of a split in order, several at a time.

        Raises:
            UserError: if a picture is broken, or the pictures of a pair do not fit each other.
        """
        keys = self.keys[split]
        with ThreadPoolExecutor(os.cpu_count()) as readers:
            for start in range(0, len(keys), PAIRS_READ_AHEAD):
                yield from readers.map(self._read, keys[start : start + PAIRS_READ_AHEAD])

    def read_at(self, split: str, number: int) -> Pair:
        """Reads one pair of a split by its number in the order of `keys`; raises as `read`."""
        return self._read(self.keys[split][number])


def open_folders(
    x_folder: Path | str,
    y_folder: Path | str,
    masks: Path | str | None = None,
    *,
    val_fraction: float = 0.1,
    test_fraction: float = 0.1,
) -> Pairs:
    """Opens pairs that lie in two folders under the same names; the suffix may differ.

    Args:
        x_folder: the de-identified pictures.
        y_folder: the originals.
        masks: folder of masks with the same names, bright where x is de-identified; None: where x and y differ (see
            `difference_mask`).
        val_fraction: as for `Pairs`.
        test_fraction: as for `Pairs`.

    Raises:
        UserError: if a folder is missing or empty, or a name is in one of them only or twice.
    """
    x_paths, y_paths = _by_key(x_folder), _by_key(y_folder)
    _require_same_names(x_paths, x_folder, y_paths, y_folder)
    mask_paths = _masks(masks, x_paths, x_folder)

    def read(key: str) -> Pair:
        return _read_pair(key, x_paths[key], y_paths[key], mask_paths.get(key))

    return Pairs(x_paths, read, val_fraction, test_fraction)


def open_side_by_side(
    folder: Path | str,
    original_half: Half = "right",
    masks: Path | str | None = None,
    *,
    val_fraction: float = 0.1,
    test_fraction: float = 0.1,
) -> Pairs:
    """Opens pairs of which each is one picture, the two halves side by side.

    Args:
        folder: the pictures.
        original_half: the half that is the original; the other one is de-identified.
        masks: folder of masks with the same names, of the size of a half; None: where the halves differ.
        val_fraction: as for `Pairs`.
        test_fraction: as for `Pairs`.

    Raises:
        UserError: if a folder is missing or empty, or a name is there twice or has no mask.
    """
    paths = _by_key(folder)
    mask_paths = _masks(masks, paths, folder)

    def read(key: str) -> Pair:
        picture = read_image(paths[key])
        half, odd = divmod(picture.shape[1], 2)
        if odd or not half:
            raise UserError(
                f"{paths[key]}: {_size(picture)} pixels cannot be two halves side by side: the width is odd"
            )
        left, right = picture[:, :half], picture[:, half:]
        x, y = (left, right) if original_half == "right" else (right, left)
        return Pair(key, x, y, _mask(x, y, mask_paths.get(key)))

    return Pairs(paths, read, val_fraction, test_fraction)


def open_matching(folder: Path | str) -> Pairs:
    """Opens the pairs that there are among [CycleGAN](https://arxiv.org/abs/1703.10593)'s folders.

    Args:
        folder: has `trainA/` and `trainB/`, which are not pairs and are not opened here; may have `valA/` and `valB/`,
            `testA/` and `testB/`. In A lie de-identified pictures, in B originals; where both have a name, these two
            are a pair. Others are left out.

    Returns:
        pairs without a train split, and without the others where no name matches.

    Raises:
        UserError: if one of these folders is empty, or has a name twice.
    """
    folder = Path(folder)
    paths: dict[str, tuple[Path, Path]] = {}
    for split in ("val", "test"):
        sides = folder / f"{split}A", folder / f"{split}B"
        if all(side.is_dir() for side in sides):
            x_paths, y_paths = map(_by_key, sides)
            paths |= {f"{split}/{key}": (x_paths[key], y_paths[key]) for key in x_paths.keys() & y_paths.keys()}
    return Pairs(paths, lambda key: _read_pair(key, *paths[key]), val_fraction=0.0, test_fraction=0.0)


def difference_mask(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Finds where two pictures differ.

    A pixel counts if any channel differs by more than `DIFFERENCE` levels; then the mask is closed (dilated and eroded)
    by a square of `CLOSING` pixels.

    Args:
        x: uint8 `(height, width, 3)`.
        y: uint8, the same shape.

    Returns:
        uint8 `(height, width)` of 0 and 1.
    """
    differs = (cv2.absdiff(x, y).max(axis=2) > DIFFERENCE).astype(np.uint8)
    return cv2.morphologyEx(differs, cv2.MORPH_CLOSE, np.ones((CLOSING, CLOSING), np.uint8))


def _read_pair(key: str, x_path: Path, y_path: Path, mask_path: Path | None = None) -> Pair:
    x, y = read_image(x_path), read_image(y_path)
    if x.shape != y.shape:
        raise UserError(f"{x_path}: {_size(x)} pixels, but {y_path} has {_size(y)}; pairs must be alike")
    return Pair(key, x, y, _mask(x, y, mask_path))


def _by_split(keys: list[str], val_fraction: float, test_fraction: float) -> dict[str, list[str]]:
    folders = {key: key.split("/")[0] for key in keys}
    with_folder = {folder for folder in folders.values() if folder in SPLITS}
    splits: dict[str, list[str]] = {split: [] for split in SPLITS}
    for key, folder in folders.items():
        drawn = split_of(key, val_fraction, test_fraction)
        if folder in ("val", "test"):
            splits[folder].append(key)
        else:
            splits["train" if drawn in with_folder else drawn].append(key)
    return splits


def _by_key(folder: Path | str) -> dict[str, Path]:
    folder = Path(folder)
    paths: dict[str, Path] = {}
    for path in find_images(folder):
        key = path_key(path.relative_to(folder).as_posix())
        if key in paths:
            raise UserError(f"{path}: there is {paths[key].name} too; pairs are matched by name, so keep one of them")
        paths[key] = path
    return paths


def _require_same_names(
    first: dict[str, Path], first_folder: Path | str, second: dict[str, Path], second_folder: Path | str
) -> None:
    mistakes = [
        f"{len(alone)} in {folder} only ({_some(alone)})"
        for alone, folder in ((first.keys() - second, first_folder), (second.keys() - first, second_folder))
        if alone
    ]
    if mistakes:
        raise UserError(f"pairs are matched by name, but {' and '.join(mistakes)}; add or remove these pictures")


def _masks(folder: Path | str | None, pictures: dict[str, Path], picture_folder: Path | str) -> dict[str, Path]:
    if folder is None:
        return {}
    masks = _by_key(folder)
    if missing := pictures.keys() - masks:
        raise UserError(
            f"{folder}: no mask for {len(missing)} pictures of {picture_folder} ({_some(missing)}); "
            "masks are matched by name: add them, or leave data.masks out"
        )
    return masks


def _mask(x: np.ndarray, y: np.ndarray, path: Path | None) -> np.ndarray:
    if path is None:
        return difference_mask(x, y)
    mask = read_mask(path)
    if mask.shape != x.shape[:2]:
        raise UserError(f"{path}: {_size(mask)} pixels, but its picture has {_size(x)}; they must be alike")
    return mask


def _some(names: Iterable[str]) -> str:
    ordered = sorted(names)
    return ", ".join(ordered[:NAMED_IN_ERRORS]) + (", ..." if len(ordered) > NAMED_IN_ERRORS else "")


def _size(picture: np.ndarray) -> str:
    return f"{picture.shape[1]} x {picture.shape[0]}"
