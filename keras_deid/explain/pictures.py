"""The pictures that are explained: of a run's own data, of other prepared data, or of a folder of photographs."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from keras_deid.config import Config
from keras_deid.data.pipeline import evaluation_examples, open_source
from keras_deid.data.prepare import prepare
from keras_deid.data.split import SPLITS
from keras_deid.errors import UserError
from keras_deid.explain.study import BATCH_SIZE, Pictures


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
        limit: how many pictures at most; None for all.

    Raises:
        UserError: if there are no images in the folder, or no faces on them.
    """
    with tempfile.TemporaryDirectory() as place:
        prepared = Path(place) / "prepared"
        settings = {**config.data.prepare.model_dump(), "val_share": 0.0, "test_share": 0.0}
        prepare(folder, prepared, **settings, workers=1)
        data = config.data.model_copy(update={"source": "prepared", "path": prepared})
        config = config.model_copy(update={"data": data})
        counts = open_source(data, data.image_size).counts
        examples = [example for split in SPLITS if counts[split] for example in _examples(config, split)]
    if not examples:
        raise UserError(f"{folder}: no faces were found on its photographs; lower data.prepare.min_score or min_face")
    return _pictures(iter(examples), limit)


def _examples(config: Config, split: str) -> Iterator[Mapping[str, Any]]:
    examples = evaluation_examples(config.data, config.deidentify, split, BATCH_SIZE)
    yield from examples.unbatch().as_numpy_iterator()


def _pictures(examples: Iterator[Mapping[str, Any]], limit: int | None) -> Pictures:
    chosen = [example for _, example in zip(range(limit), examples, strict=False)] if limit else list(examples)
    return Pictures(
        x=np.stack([example["x"] for example in chosen]),
        y=np.stack([example["y"] for example in chosen]),
        mosaic=np.stack([example["mask"][..., 0] != 0 for example in chosen]),
        person=np.stack([(example["person"][..., 0] != 0) & example["has_person"] for example in chosen]),
        paths=tuple(example["path"].decode("utf-8", "replace") for example in chosen),
    )
