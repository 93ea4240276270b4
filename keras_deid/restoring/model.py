"""An exported model in this process, without a server."""

from __future__ import annotations

import json
import logging
import operator
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np

from keras_deid.boxes import DEFAULT_CONTEXT
from keras_deid.errors import UserError
from keras_deid.restoring.looks import Mark
from keras_deid.restoring.runtime import TENSORFLOW, Runtime
from keras_deid.serving.export import versions
from keras_deid.serving.metadata import LOCATE
from keras_deid.serving.model_card import hash_of_files

log = logging.getLogger(__name__)


class PictureModel(Protocol):
    """What restores pictures of one size, wherever it runs.

    Attributes:
        name: of the model.
        identity: differs between models, and between versions of one.
        size: (height, width) of the pictures.
        context: side of the pictures relative to the region's longer side.
        mark: the locator that comes with the model, see `keras_deid.restoring.locate`; None if there is none.
        adds_detail: whether it has learned to add detail to a restored face that was enlarged.
    """

    name: str
    identity: str
    size: tuple[int, int]
    context: float
    adds_detail: bool
    mark: Mark | None

    def restore(self, pictures: np.ndarray) -> np.ndarray:
        """Restores uint8 `(batch, *size, 3)`."""
        ...


class ModelCard(NamedTuple):
    """What of a model card decides how pictures are restored."""

    name: str
    sha256: str
    size: tuple[int, int]
    context: float | None
    adds_detail: bool


class LocalModel:
    """A SavedModel, loaded with TensorFlow.

    Args:
        folder: of a model (its highest version is taken) or of one version.
        runtime: what restores; the model's own locator stays on TensorFlow.

    Raises:
        UserError: if there is no model, or the runtime cannot run it.
    """

    def __init__(self, folder: Path, runtime: Runtime = TENSORFLOW) -> None:
        self._folder = _version_folder(folder)
        card = _read_card(self._folder)
        sha256 = _checked_hash(self._folder, card)
        self.name = card.name
        self.identity = card.sha256
        self.size = card.size
        self.context = card.context or DEFAULT_CONTEXT
        self.adds_detail = card.adds_detail
        self._loaded = _load(self._folder)  # holds the variables; signatures alone do not
        self._signatures = self._loaded.signatures
        self._network = runtime.load(sha256, self._exported_graph, self._folder)
        self.mark: Mark | None = self._mark if LOCATE in self._signatures else None

    def restore(self, pictures: np.ndarray) -> np.ndarray:
        """Restores pictures, uint8 `(batch, *size, 3)`."""
        return self._network(pictures)

    def _exported_graph(self, folder: Path) -> Any:
        import tensorflow as tf

        return tf.function(
            lambda pictures: self._signatures["serve_uint8"](image=pictures)["restored"],
            input_signature=[tf.TensorSpec((None, *self.size, 3), tf.uint8)],
        )

    def _mark(self, picture: np.ndarray) -> np.ndarray:
        import tensorflow as tf

        return self._signatures[LOCATE](image=tf.constant(picture[None]))["hidden"].numpy()[0]


def _version_folder(folder: Path) -> Path:
    if (folder / "saved_model.pb").is_file():
        return folder
    found = versions(folder)
    if not found:
        raise UserError(f"{folder}: no exported model; give saved_models/NAME, which scripts/export.py writes")
    return folder / str(found[-1])


def _read_card(folder: Path) -> ModelCard:
    path = folder / "model_card.json"
    try:
        card = json.loads(path.read_text(encoding="utf-8"))
        height, width = map(operator.index, card["input"]["size"])
        trained = card["trained_on"]
        adds_detail = trained["deidentify"]["method"] == "catalogue"
        context = None if trained["context"] is None else float(trained["context"])
        return ModelCard(str(card["name"]), str(card["sha256"]), (height, width), context, adds_detail)
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise UserError(f"{path}: missing or not a model card; export the run again") from error


def _checked_hash(folder: Path, card: ModelCard) -> str:
    """Returns what stands for the files, and warns if they are not those that the card was written for.

    A SavedModel can run any TensorFlow operation.
    """
    sha256 = hash_of_files(folder)
    if sha256 != card.sha256:
        log.warning(
            "%s: is not as keras-deid export wrote it; a SavedModel is a program that can read and write files: use it "
            "only if you trust its source",
            folder,
        )
    return sha256


def _load(folder: Path) -> Any:
    """Returns the model, with `signatures` by name."""
    import tensorflow as tf

    try:
        loaded = tf.saved_model.load(str(folder))
        loaded.signatures["serve_uint8"]
        return loaded
    except (OSError, ValueError, KeyError, tf.errors.OpError) as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise UserError(f"{folder}: cannot be loaded: {reason}; export the run again") from error
