"""The models of a folder, as a server holds them: the versions to be served, looked for again and again."""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

from keras_deid.serving.export import versions
from keras_deid.serving.stand_in.errors import RequestError
from keras_deid.serving.stand_in.model_config import ModelConfig
from keras_deid.serving.stand_in.predict_json import TensorSpec
from keras_deid.serving.warmup import read_warmup

log = logging.getLogger(__name__)

# HTTP status of TensorFlow's error codes, as the server maps them; 500 for others.
_STATUS = {1: 499, 3: 400, 4: 504, 5: 404, 6: 409, 7: 403, 8: 429, 9: 400, 10: 409, 11: 400, 12: 501, 14: 503, 16: 401}
_INTERNAL = 500


@dataclass(frozen=True)
class Servable:
    """A version that is loaded.

    Attributes:
        version: its number.
        signatures: what can be called, by name.
        definitions: the signatures' messages, for the metadata.
    """

    version: int
    signatures: dict[str, Any]
    definitions: dict[str, Any]

    @classmethod
    def load(cls, folder: Path) -> Servable:
        """Loads `NAME/VERSION`, and runs its warm-up requests, so that the first client need not wait."""
        loaded = tf.saved_model.load(str(folder))
        message = SavedModel()
        message.ParseFromString((folder / "saved_model.pb").read_bytes())
        signatures = {name: (loaded, function) for name, function in loaded.signatures.items()}
        servable = cls(int(folder.name), signatures, dict(message.meta_graphs[0].signature_def))
        for signature, inputs in read_warmup(folder):
            try:
                servable.predict(signature, {name: inputs[name] for name in servable.input_specs(signature)})
            except (RequestError, KeyError) as error:
                raise ValueError(f"its warm-up request for {signature} fails: {error}") from error
        return servable

    def input_specs(self, signature: str) -> dict[str, TensorSpec]:
        """Returns what a signature takes.

        Raises:
            RequestError: if there is no such signature.
        """
        if signature not in self.signatures:
            raise RequestError(400, f'Serving signature key "{signature[:100]}" not found.')
        _, function = self.signatures[signature]
        return {
            name: TensorSpec(np.dtype(spec.dtype.as_numpy_dtype), tuple(spec.shape.as_list()))
            for name, spec in function.structured_input_signature[1].items()
        }

    def predict(self, signature: str, inputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Runs a signature.

        Raises:
            RequestError: with the runtime's message, if it fails.
        """
        _, function = self.signatures[signature]
        specs = function.structured_input_signature[1]
        try:
            tensors = {
                name: tf.constant(array.tolist() if array.dtype == object else array, specs[name].dtype, array.shape)
                for name, array in inputs.items()
            }
            return {name: output.numpy() for name, output in function(**tensors).items()}
        except tf.errors.OpError as error:
            raise RequestError(_STATUS.get(error.error_code, _INTERNAL), error.message) from None


@dataclass
class _Model:
    loaded: dict[int, Servable] = field(default_factory=dict)
    ended: set[int] = field(default_factory=set)
    failed: set[int] = field(default_factory=set)

    @property
    def current(self) -> Servable | None:
        """The highest version: what is meant where a request names none."""
        return self.loaded[max(self.loaded)] if self.loaded else None


class Library:
    """Loads the models of a folder and follows what is exported there.

    A request that has begun keeps its version until it is answered: whoever holds a `Servable` can use it.

    Args:
        folder: holds `NAME/VERSION/`.
        configs: how models are served, by name; if given, others are not served.
    """

    def __init__(self, folder: Path, configs: Mapping[str, ModelConfig] | None = None) -> None:
        self._folder = folder
        self._configs = configs
        self._models: dict[str, _Model] = {}
        self._stop = threading.Event()

    def refresh(self) -> None:
        """Loads what is to be served and is not loaded yet, then ends what is no longer to be served.

        A version that cannot be loaded is left out.
        """
        for base in sorted(path for path in self._folder.iterdir() if path.is_dir() and not path.name.startswith(".")):
            config = self._config(base.name)
            if config is not None:
                self._refresh(base, config)

    def _refresh(self, base: Path, config: ModelConfig) -> None:
        model = self._models.get(base.name, _Model())
        wanted = config.served([version for version in versions(base) if version not in model.failed])
        if not wanted or model.loaded.keys() == set(wanted):
            return
        self._models[base.name] = model
        loaded = {version: servable for version, servable in model.loaded.items() if version in wanted}
        for version in wanted:
            if version in loaded:
                continue
            try:
                loaded[version] = Servable.load(base / str(version))
            except Exception as error:  # whatever a broken file leads to, the others are served
                log.warning("%s: cannot be loaded: %s", base / str(version), str(error).splitlines()[0:1])
                model.failed.add(version)
                self._refresh(base, config)
                return
            log.info("%s: version %d is served", base.name, version)
        model.ended = (model.ended | model.loaded.keys()) - loaded.keys()
        model.loaded = loaded

    def _config(self, name: str) -> ModelConfig | None:
        return ModelConfig() if self._configs is None else self._configs.get(name)

    def watch(self, seconds: float) -> None:
        """Refreshes again and again on a thread of its own, until `close`."""

        def follow() -> None:
            while not self._stop.wait(seconds):
                try:
                    self.refresh()
                except OSError as error:  # the folder is away for the moment
                    log.warning("%s: %s", self._folder, error)

        threading.Thread(target=follow, name="library", daemon=True).start()

    def close(self) -> None:
        """Ends `watch`."""
        self._stop.set()

    def names(self) -> list[str]:
        """Lists the models that are served."""
        return [name for name, model in self._models.items() if model.loaded]

    def find(self, name: str, version: str | None, label: str | None) -> Servable:
        """Finds what a URL names.

        Raises:
            RequestError: 404 for an unknown model or version, 400 for an unknown label.
        """
        model = self._models.get(name, _Model())
        number = self._version(name, version, label)
        servable = model.current if number is None else model.loaded.get(number)
        if servable is None:
            raise RequestError(404, f"Servable not found for request: {_request(name, number)}")
        return servable

    def states(self, name: str, version: str | None, label: str | None) -> list[tuple[int, str]]:
        """Returns the versions that a URL names, with their states, the highest first.

        Raises:
            RequestError: as `find`.
        """
        model = self._models.get(name)
        if model is None:
            raise RequestError(404, f"Could not find any versions of model {name}")
        number = self._version(name, version, label)
        states = dict.fromkeys(model.ended | model.failed, "END") | dict.fromkeys(model.loaded, "AVAILABLE")
        named = [state for state in sorted(states.items(), reverse=True) if number in (None, state[0])]
        if not named:
            raise RequestError(404, f"Could not find version {number} of model {name}")
        return named

    def _version(self, name: str, version: str | None, label: str | None) -> int | None:
        if label is None:
            return None if version is None else int(version)
        config = self._config(name)
        if config is None or label not in config.labels:
            raise RequestError(400, f"Unrecognized servable version label: {label}")
        return config.labels[label]


def _request(name: str, version: int | None) -> str:
    return f"Latest({name})" if version is None else f"Specific({name}, {version})"
