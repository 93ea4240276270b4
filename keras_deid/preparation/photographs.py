"""Finds the photographs to prepare, with their masks and boxes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from keras_deid.boxes import Box
from keras_deid.config import PrepareConfig
from keras_deid.data.boxes_csv import ListedBox, read_boxes_csv
from keras_deid.data.images import ImageError, find_images, image_size
from keras_deid.data.split import path_key
from keras_deid.errors import UserError


@dataclass(frozen=True)
class Photograph:
    """A photograph to prepare.

    Attributes:
        name: path inside the folder of photographs, with `/`.
        path: the file.
        mask: the file with its person mask, if there is one.
        boxes: its faces, if they are given; `None` if they are to be detected.
    """

    name: str
    path: Path
    mask: Path | None
    boxes: tuple[Box, ...] | None


def find_photographs(photos: Path, out: Path, boxes: Path | None, masks: Path | None) -> list[Photograph]:
    """Finds photographs, their masks and their boxes.

    Args:
        photos: folder; its sub-folders count.
        out: folder to write.
        boxes: CSV file with the faces; see `read_boxes_csv`.
        masks: folder with person masks, named like the photographs; the suffix may differ.

    Raises:
        UserError: if a folder or file is missing or does not fit.
    """
    paths = {path.relative_to(photos).as_posix(): path for path in find_images(photos)}
    for folder in (out, masks):
        if folder is not None and photos.resolve() in (folder.resolve(), *folder.resolve().parents):
            raise UserError(f"{folder}: lies in the folder of photographs; choose a folder outside of {photos}")
    mask_of = _find_masks(masks, paths) if masks else {}
    boxes_of = _find_boxes(boxes, paths) if boxes else None
    return [
        Photograph(
            name,
            path,
            mask_of.get(path_key(name)),
            None if boxes_of is None else tuple(listed.box for listed in boxes_of.get(name, ())),
        )
        for name, path in paths.items()
    ]


def _find_masks(masks: Path, paths: dict[str, Path]) -> dict[str, Path]:
    mask_of = {path_key(path.relative_to(masks).as_posix()): path for path in find_images(masks)}
    if not any(path_key(name) in mask_of for name in paths):
        raise no_mask(masks, next(iter(paths)))
    return mask_of


def _find_boxes(file: Path, paths: dict[str, Path]) -> dict[str, list[ListedBox]]:
    boxes_of = read_boxes_csv(file)
    for name, listed in boxes_of.items():
        if name not in paths:
            raise no_photograph(file, name, listed[0])
        check_boxes(file, name, listed, paths[name])
    return boxes_of


def no_photograph(file: Path | str, name: str, listed: ListedBox) -> UserError:
    """Returns the error of a box that belongs to no photograph."""
    return UserError(
        f"{file}:{listed.line}: there is no photograph {name}; give paths relative to the folder of photographs"
    )


def no_mask(masks: Path | str, name: str) -> UserError:
    """Returns the error of masks of which none has the name of a photograph, `name` for instance."""
    return UserError(f"{masks}: no mask has the name of a photograph; expected for instance {path_key(name)}.png")


def check_boxes(file: Path | str, name: str, listed: Iterable[ListedBox], path: Path) -> None:
    """Looks whether boxes lie inside their photograph; one that cannot be read is left to be skipped.

    Raises:
        UserError: if one does not.
    """
    try:
        height, width = image_size(path)
    except ImageError:
        return
    for line, (x0, y0, x1, y1) in listed:
        if x0 < 0 or y0 < 0 or x1 > width or y1 > height:
            raise UserError(
                f"{file}:{line}: the box {x0:g},{y0:g},{x1:g},{y1:g} reaches beyond {name}, "
                f"which is {width} x {height} pixels"
            )


def hash_of_inputs(settings: PrepareConfig, photographs: list[Photograph]) -> str:
    """Returns a hash of everything that determines the result; size and time of change stand for a file's content."""

    def state(path: Path | None) -> tuple[int, int] | None:
        if path is None:
            return None
        found = path.stat()
        return found.st_size, found.st_mtime_ns

    files = [
        (photograph.name, state(photograph.path), state(photograph.mask), photograph.boxes)
        for photograph in photographs
    ]
    return hashlib.blake2b(json.dumps([settings.model_dump(), files]).encode(), digest_size=16).hexdigest()
