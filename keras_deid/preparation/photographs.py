"""Finds the photographs to prepare, with their masks and boxes."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from keras_deid.boxes import Box, clip_box, lies_outside
from keras_deid.config import PrepareConfig
from keras_deid.data.boxes_csv import ListedBox, no_such_file, outside, read_boxes_csv
from keras_deid.data.images import ImageError, find_images, image_size
from keras_deid.data.names import Names
from keras_deid.data.split import path_key
from keras_deid.errors import UserError

log = logging.getLogger(__name__)


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
        boxes: CSV file with the faces; see `read_boxes_csv`. What of a box reaches beyond its photograph is cut off;
            one that lies outside is left out, and said.
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
    boxes_of: dict[str, list[ListedBox]] = {}
    names = Names(paths)
    for written, listed in read_boxes_csv(file).items():
        name = names.find(written)
        if name is None:
            raise no_such_file(file, listed[0].line, written, "photograph")
        found, complaints = boxes_inside(file, name, listed, paths[name])
        boxes_of.setdefault(name, []).extend(found)
        for complaint in complaints:
            log.warning("skipped: %s", complaint)
    return boxes_of


def boxes_inside(
    file: Path | str, name: str, listed: Iterable[ListedBox], path: Path
) -> tuple[list[ListedBox], list[str]]:
    """Cuts boxes off where they reach beyond their photograph.

    Args:
        file: where the boxes are listed.
        name: of the photograph.
        listed: its boxes.
        path: its file.

    Returns:
        the boxes, and what to say of those that lie outside; nothing of a photograph that will be among the skipped.
    """
    try:
        size = image_size(path)
    except ImageError:
        return [], []
    inside: list[ListedBox] = []
    complaints: list[str] = []
    for line, box in listed:
        if lies_outside(box, size):
            complaints.append(outside(file, line, box, name, size))
        else:
            inside.append(ListedBox(line, clip_box(box, size)))
    return inside, complaints


def no_mask(masks: Path | str, name: str) -> UserError:
    """Returns the error of masks of which none has the name of a photograph, `name` for instance."""
    return UserError(f"{masks}: no mask has the name of a photograph; expected for instance {path_key(name)}.png")


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
