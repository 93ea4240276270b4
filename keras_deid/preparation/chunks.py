"""Files of encoded examples, one for each chunk of photographs; an interrupted preparation keeps them."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from keras_deid.atomic import write_text
from keras_deid.config import PrepareConfig
from keras_deid.preparation.examples import NoExample
from keras_deid.preparation.photographs import Photograph
from keras_deid.preparation.stored import ExampleMaker, StoredExample, photograph_split


class ChunkMaker:
    """Turns photographs into a file of encoded examples.

    Args:
        settings: of the preparation.
        detects: whether faces have to be detected.
    """

    def __init__(self, settings: PrepareConfig, detects: bool) -> None:
        self._maker = ExampleMaker(settings, detects)

    def make(self, photographs: list[Photograph], path: Path) -> int:
        """Writes `path`, whole or not at all, and returns the number of photographs in it."""
        photos = [self._photo(photograph) for photograph in photographs]
        write_text(path, json.dumps(photos))
        return len(photos)

    def _photo(self, photograph: Photograph) -> dict[str, Any]:
        try:
            examples = self._maker.make(photograph)
        except NoExample as reason:
            return {"name": photograph.name, "skipped": str(reason)}
        return {"name": photograph.name, "examples": [_in_text(example) for example in examples]}


def _in_text(example: StoredExample) -> dict[str, Any]:
    return {
        "image": base64.b64encode(example.image).decode(),
        "boxes": example.boxes,
        "person": base64.b64encode(example.person).decode(),
    }


def read_chunks(folder: Path) -> Iterator[dict[str, Any]]:
    """Yields the result for each photograph, in order: its `name`, and `examples` or why it was `skipped`."""
    for path in sorted(folder.glob("chunk-*.json")):
        yield from json.loads(path.read_text(encoding="utf-8"))


def stored_examples(settings: PrepareConfig, folder: Path) -> Iterator[StoredExample]:
    """Yields the examples of all chunks, in order, each with the split of its photograph."""
    for photo in read_chunks(folder):
        split = photograph_split(settings, photo["name"])
        for number, example in enumerate(photo.get("examples", ())):
            yield StoredExample(
                path=f"{photo['name']}#{number}",
                split=split,
                image=base64.b64decode(example["image"]),
                boxes=tuple((x0, y0, x1, y1) for x0, y0, x1, y1 in example["boxes"]),
                person=base64.b64decode(example["person"]),
            )
