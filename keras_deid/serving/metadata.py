"""A model on a server: its version, signatures and size, read from the server's metadata."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from keras_deid.boxes import DEFAULT_CONTEXT
from keras_deid.serving.request import ServingError, wait_until_available


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
        context: how much wider than the face these pictures are, which no server tells.
    """

    version: str
    files: Endpoint
    size: tuple[int, int]
    context: float


def read_metadata(
    server: str, states: Callable[[], Iterable[str]], metadata: Callable[[], Any], seconds: float
) -> ModelMetadata:
    """Waits until a model is AVAILABLE, and reads its metadata.

    Args:
        server: for the error.
        states: asks for the states of the model's versions.
        metadata: asks for the metadata, in the form of the REST interface.
        seconds: to wait.

    Raises:
        ServingError: if the server is not there in time, or does not offer what is needed.
    """
    wait_until_available(server, states, seconds)
    answer = metadata()
    endpoints = _list_endpoints(answer)
    files = _find_endpoint(server, endpoints, "DT_STRING", 1, "files of pictures")
    _, height, width, _ = _find_endpoint(server, endpoints, "DT_UINT8", 4, "uint8 pixels").shape
    return ModelMetadata(str(answer["model_spec"]["version"]), files, (height, width), DEFAULT_CONTEXT)


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
