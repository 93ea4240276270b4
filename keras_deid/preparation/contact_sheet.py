"""A picture of some examples of a prepared data set, with face boxes and outlines of persons."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import cv2
import numpy as np

from keras_deid.data.images import resize_image, resize_mask
from keras_deid.data.prepared import PreparedDataset
from keras_deid.data.split import SPLITS

_COLUMNS = 8
_ROWS = {"train": 3, "val": 2, "test": 2}
_TILE = 160  # pixels, with the margin
_PICTURE = 152
_LINE = 18  # pixels for a line of text
_FACE_COLOUR = (255, 64, 64)
_OTHER_FACE_COLOUR = (255, 200, 0)
_PERSON_COLOUR = (64, 255, 64)


def draw_contact_sheet(dataset: PreparedDataset) -> np.ndarray:
    """Draws some examples of each split to look at, evenly spread over it; see `draw_examples`."""
    return draw_examples({split: list(_spread(dataset, split, shown(split))) for split in SPLITS}, dataset.counts)


def shown(split: str) -> int:
    """Returns how many examples of a split there is room for."""
    return _COLUMNS * _ROWS[split]


def draw_examples(examples: Mapping[str, Sequence[dict[str, Any]]], counts: Mapping[str, int]) -> np.ndarray:
    """Draws examples of each split.

    The face of an example is framed in red, other faces (in whole photographs) in yellow; the person is outlined in
    green. The path is written below.

    Args:
        examples: by split, as `PreparedDataset.examples` gives them.
        counts: number of examples of each split.

    Returns:
        uint8 array `(height, width, 3)`, RGB.
    """
    parts = []
    for split in SPLITS:
        tiles = [_draw_tile(example) for example in examples[split]]
        title = f"{split}: {len(tiles)} of {counts[split]} examples"
        parts.append(_write_text(_white(_LINE + 10, _COLUMNS * _TILE), title, 20, 0.5))
        while len(tiles) % _COLUMNS:
            tiles.append(_white(_TILE + _LINE, _TILE))
        parts += [np.hstack(tiles[start : start + _COLUMNS]) for start in range(0, len(tiles), _COLUMNS)]
    return np.vstack(parts)


def _spread(dataset: PreparedDataset, split: str, most: int) -> Iterator[dict[str, Any]]:
    count = dataset.counts[split]
    chosen = {number * count // most for number in range(most)} if count > most else set(range(count))
    for number, example in enumerate(dataset.read(split)):
        if number in chosen:
            yield example


def _draw_tile(example: dict[str, Any]) -> np.ndarray:
    height, width = example["image"].shape[:2]
    scale = _PICTURE / max(height, width)
    drawn = resize_image(example["image"], (max(round(height * scale), 1), max(round(width * scale), 1)))
    if example["has_person"]:
        person = resize_mask(example["person"], drawn.shape[:2])
        outlines, _ = cv2.findContours(person, cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
        cv2.drawContours(drawn, outlines, -1, _PERSON_COLOUR, 1)
    for box in example.get("boxes", ())[1:]:
        _draw_box(drawn, box * scale, _OTHER_FACE_COLOUR)
    _draw_box(drawn, example["box"] * scale, _FACE_COLOUR)
    tile = _white(_TILE + _LINE, _TILE)
    margin = (_TILE - _PICTURE) // 2
    tile[margin : margin + drawn.shape[0], margin : margin + drawn.shape[1]] = drawn
    path = example["path"].decode("utf-8", "replace")
    return _write_text(tile, path if len(path) <= 24 else "..." + path[-21:], _TILE + 9, 0.35)


def _white(height: int, width: int) -> np.ndarray:
    return np.full((height, width, 3), 255, np.uint8)


def _draw_box(image: np.ndarray, box: np.ndarray, colour: tuple[int, int, int]) -> None:
    x0, y0, x1, y1 = (round(edge) for edge in box.tolist())
    cv2.rectangle(image, (x0, y0), (x1 - 1, y1 - 1), colour, 1)


def _write_text(image: np.ndarray, text: str, baseline: int, size: float) -> np.ndarray:
    return cv2.putText(image, text, (4, baseline), cv2.FONT_HERSHEY_SIMPLEX, size, (0, 0, 0), 1, cv2.LINE_AA)
