"""A model on a server: its version, signatures and size, read from the server's metadata."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from keras_deid.boxes import DEFAULT_CONTEXT
from keras_deid.serving.request import ServingError, wait_until_available

DESCRIBE = "describe"
LOCATE = "locate"
LOCATE_BYTES = "locate_bytes"
"""Signatures that restore nothing."""


class Endpoint(NamedTuple):
    """A signature with one input and one output, and the shape of the input, -1 where any size goes."""

    signature: str
    input_name: str
    output_name: str
    dtype: str
    shape: tuple[int, ...]


class ModelMetadata(NamedTuple):
    """What clients need to know of a model.

    Attributes:
        version: that the server takes.
        files: takes pictures of any size as the content of files.
        size: (height, width) of the pictures that the networks see.
        context: side of these pictures relative to the region's longer side.
        adds_detail: whether the model has learned to add detail to a restored face that was enlarged.
        locates: whether it has a locator.
    """

    version: str
    files: Endpoint
    size: tuple[int, int]
    context: float
    adds_detail: bool
    locates: bool


def read_metadata(
    server: str,
    states: Callable[[], Iterable[str]],
    metadata: Callable[[], Any],
    describe: Callable[[], str | bytes],
    seconds: float,
) -> ModelMetadata:
    """Waits until a model is AVAILABLE, and reads its metadata.

    Of a model without the signature `describe`, exported by an older version, it takes that it was trained on no crops.

    Args:
        server: for the error.
        states: asks for the states of the model's versions.
        metadata: asks for the metadata, in the form of the REST interface.
        describe: calls the signature `describe`, where there is one, for one row; returns its answer.
        seconds: to wait.

    Raises:
        ServingError: if the server is not there in time, or does not offer what is needed.
    """
    wait_until_available(server, states, seconds)
    answer = metadata()
    endpoints = _list_endpoints(answer)
    names = {endpoint.signature for endpoint in endpoints}
    restoring = [one for one in endpoints if one.signature not in (DESCRIBE, LOCATE, LOCATE_BYTES)]
    files = _find_endpoint(server, restoring, "DT_STRING", 1, "files of pictures")
    _, height, width, _ = _find_endpoint(server, restoring, "DT_UINT8", 4, "uint8 pixels").shape
    context, adds_detail = _described(server, describe()) if DESCRIBE in names else (DEFAULT_CONTEXT, False)
    version = str(answer["model_spec"]["version"])
    return ModelMetadata(version, files, (height, width), context, adds_detail, {LOCATE, LOCATE_BYTES} <= names)


def description(context: float, adds_detail: bool) -> str:
    """Returns what `describe` answers: JSON."""
    return json.dumps({"context": context, "adds_detail": adds_detail})


def _described(server: str, answer: str | bytes) -> tuple[float, bool]:
    """Reads what `description` wrote."""
    try:
        values = json.loads(answer)
        context, adds_detail = float(values["context"]), values["adds_detail"]
        if context >= 1 and isinstance(adds_detail, bool):
            return context, adds_detail
    except (ValueError, TypeError, KeyError):
        pass
    raise ServingError(server, f"the signature {DESCRIBE} answers {answer!r:.100}; export the model again")


def _find_endpoint(server: str, endpoints: Sequence[Endpoint], dtype: str, rank: int, what: str) -> Endpoint:
    """Returns the first signature that takes tensors of a dtype and a rank.

    Raises:
        ServingError: if there is none; `what` says what is missing.
    """
    for endpoint in endpoints:
        if endpoint.dtype == dtype and len(endpoint.shape) == rank:
            return endpoint
    raise ServingError(server, f"no signature takes {what}; export the model with scripts/export.py")


def _list_endpoints(metadata: Any) -> list[Endpoint]:
    """Reads the signatures from the metadata, in the form of the REST interface."""
    endpoints = []
    for name, definition in sorted(metadata["metadata"]["signature_def"]["signature_def"].items()):
        inputs, outputs = definition["inputs"], definition["outputs"]
        if len(inputs) == len(outputs) == 1 and not name.startswith("__"):
            (input_name, info), *_ = inputs.items()
            output_name = next(iter(outputs))
            shape = tuple(int(dim["size"]) for dim in info["tensor_shape"].get("dim", ()))
            endpoints.append(Endpoint(name, input_name, output_name, info["dtype"], shape))
    return endpoints
