"""The JSON of a prediction: from a request's body to tensors, and from tensors to the response's body.

The rules are those of TensorFlow Serving: `instances` is a list with an element for each picture, `inputs` has a tensor
for each input; an input that is the only one may be given without its name, an output that is the only one comes
without its own; binary values are `{"b64": "..."}`.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from keras_deid.serving.stand_in.errors import RequestError

DEFAULT_SIGNATURE = "serving_default"
_BAD_REQUEST = 400


@dataclass(frozen=True)
class TensorSpec:
    """What a signature takes: a NumPy dtype (`object` for strings) and a shape, None where any size goes."""

    dtype: np.dtype[Any]
    shape: tuple[int | None, ...]

    def takes(self, shape: tuple[int, ...]) -> bool:
        """Whether a tensor of this shape fits."""
        return len(shape) == len(self.shape) and all(
            expected in (None, found) for expected, found in zip(self.shape, shape, strict=True)
        )

    def check(self, name: str, array: np.ndarray) -> None:
        """Sees whether an array fits.

        Raises:
            RequestError: if it is of another dtype or shape.
        """
        if array.dtype != self.dtype:
            raise RequestError(_BAD_REQUEST, f"Input {name!r}: expected {self.dtype}, got {array.dtype}")
        if not self.takes(array.shape):
            raise self.mismatch(name, array.shape)

    def mismatch(self, name: str, shape: tuple[int, ...]) -> RequestError:
        """Returns the error for a tensor of a wrong shape."""
        expected = [-1 if side is None else side for side in self.shape]
        return RequestError(_BAD_REQUEST, f"Input {name!r}: expected shape {expected}, got {list(shape)}")


@dataclass(frozen=True)
class PredictRequest:
    """A parsed body.

    Attributes:
        signature: name of the signature.
        by_row: whether the values came as `instances`, to be answered by `predictions`.
        values: what the client gave, as JSON.
    """

    signature: str
    by_row: bool
    values: Any


def parse_request(body: bytes | bytearray) -> PredictRequest:
    """Reads the body of a prediction.

    Raises:
        RequestError: if it is not a JSON object with exactly one of `instances` and `inputs`.
    """
    try:
        request = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise RequestError(_BAD_REQUEST, f"JSON Parse error: {error}") from None
    if not isinstance(request, dict):
        raise RequestError(_BAD_REQUEST, "JSON body must be an object")
    signature = request.get("signature_name", DEFAULT_SIGNATURE)
    if not isinstance(signature, str):
        raise RequestError(_BAD_REQUEST, "'signature_name' key must be a string value.")
    if ("instances" in request) == ("inputs" in request):
        raise RequestError(_BAD_REQUEST, "Request must have exactly one of 'instances' and 'inputs'")
    if "inputs" in request:
        return PredictRequest(signature, False, request["inputs"])
    if not isinstance(request["instances"], list) or not request["instances"]:
        raise RequestError(_BAD_REQUEST, "Expecting 'instances' value to be a non-empty list")
    return PredictRequest(signature, True, request["instances"])


def to_tensors(request: PredictRequest, specs: Mapping[str, TensorSpec]) -> dict[str, np.ndarray]:
    """Makes the arrays that the signature takes.

    Args:
        request: the parsed body.
        specs: of the signature's inputs.

    Raises:
        RequestError: if a value is missing, ragged, or of a wrong type or shape.
    """
    by_name = _columns(request.values, specs) if request.by_row else _named(request.values, specs)
    return {name: _to_array(name, by_name[name], spec) for name, spec in specs.items()}


def to_body(outputs: Mapping[str, np.ndarray], by_row: bool) -> bytes:
    """Writes the response; NaN and Infinity are bare words, as in the requests."""
    values = {name: _to_json(name, array) for name, array in outputs.items()}
    (only, *others) = values.values()
    if not by_row:
        return json.dumps({"outputs": values if others else only}).encode()
    rows = only if not others else [dict(zip(values, row, strict=True)) for row in zip(*values.values(), strict=True)]
    return json.dumps({"predictions": rows}).encode()


def _columns(instances: list[Any], specs: Mapping[str, TensorSpec]) -> dict[str, Any]:
    columns: dict[str, list[Any]] = {name: [] for name in specs}
    for instance in instances:
        named = isinstance(instance, dict) and not _is_base64(instance)
        if not named and len(specs) > 1:
            raise RequestError(_BAD_REQUEST, "Expecting 'instances' to be objects with a value for each input")
        row = instance if named else dict.fromkeys(specs, instance)
        if row.keys() != specs.keys():
            raise RequestError(_BAD_REQUEST, f"Expecting keys {_names(specs)}, got {_names(row)}")
        for name, value in row.items():
            columns[name].append(value)
    return columns


def _named(inputs: Any, specs: Mapping[str, TensorSpec]) -> dict[str, Any]:
    if isinstance(inputs, dict) and not _is_base64(inputs):
        missing = specs.keys() - inputs.keys()
        if missing:
            raise RequestError(_BAD_REQUEST, f"Missing named input(s): {_names(missing)}")
        return inputs
    if len(specs) > 1:
        raise RequestError(_BAD_REQUEST, "Expecting 'inputs' to be an object with a value for each input")
    return dict.fromkeys(specs, inputs)


def _names(keys: Any) -> str:
    return ", ".join(sorted(map(str, keys)))[:200]


def _is_base64(value: Any) -> bool:
    return isinstance(value, dict) and value.keys() == {"b64"}


def _to_array(name: str, value: Any, spec: TensorSpec) -> np.ndarray:
    shape = _shape(name, value)
    if not spec.takes(shape) and not (shape == (0,) and spec.shape[0] is None):
        raise spec.mismatch(name, shape)
    if shape == (0,):
        return np.zeros((0, *(side or 0 for side in spec.shape[1:])), spec.dtype)
    flat: list[Any] = []
    _flatten(name, value, shape, flat)
    convert = {"O": _strings, "f": _floats}.get(spec.dtype.kind, _integers)
    return convert(name, flat, spec.dtype).reshape(shape)


def _shape(name: str, value: Any) -> tuple[int, ...]:
    """Returns the shape that the first elements have; `_flatten` sees whether the others have it too."""
    shape: list[int] = []
    while isinstance(value, list):
        shape.append(len(value))
        if not value:
            break
        value = value[0]
    return tuple(shape)


def _flatten(name: str, value: Any, shape: tuple[int, ...], flat: list[Any]) -> None:
    if not shape:
        if isinstance(value, list):
            raise RequestError(_BAD_REQUEST, f"Input {name!r}: encountered a list at unexpected depth")
        flat.append(value)
        return
    if not isinstance(value, list) or len(value) != shape[0]:
        raise RequestError(_BAD_REQUEST, f"Input {name!r}: encountered a ragged list; all must have the same length")
    if len(shape) == 1 and not any(isinstance(element, list) for element in value):
        flat.extend(value)
        return
    for element in value:
        _flatten(name, element, shape[1:], flat)


def _floats(name: str, flat: list[Any], dtype: np.dtype[Any]) -> np.ndarray:
    if not {type(value) for value in flat} <= {int, float}:
        raise RequestError(_BAD_REQUEST, f"Input {name!r}: expected numbers, got {_first_other(flat, (int, float))}")
    try:
        with np.errstate(over="ignore"):
            return np.array(flat, np.float64).astype(dtype)
    except OverflowError:
        raise RequestError(_BAD_REQUEST, f"Input {name!r}: a number is too large") from None


def _integers(name: str, flat: list[Any], dtype: np.dtype[Any]) -> np.ndarray:
    if not {type(value) for value in flat} <= {int}:
        raise RequestError(_BAD_REQUEST, f"Input {name!r}: expected whole numbers, got {_first_other(flat, (int,))}")
    least, most = np.iinfo(dtype).min, np.iinfo(dtype).max
    if flat and not (least <= min(flat) and max(flat) <= most):
        raise RequestError(_BAD_REQUEST, f"Input {name!r}: expected numbers from {least} to {most}")
    return np.array(flat, dtype)


def _strings(name: str, flat: list[Any], dtype: np.dtype[Any]) -> np.ndarray:
    array = np.empty(len(flat), object)
    for index, value in enumerate(flat):
        array[index] = _string(name, value)
    return array


def _string(name: str, value: Any) -> bytes:
    if isinstance(value, str):
        return value.encode("utf-8", "surrogatepass")
    if not _is_base64(value) or not isinstance(value["b64"], str):
        raise RequestError(_BAD_REQUEST, f"Input {name!r}: expected a string or {{'b64': string}}")
    try:
        return base64.b64decode(value["b64"], validate=True)
    except (binascii.Error, ValueError):
        raise RequestError(_BAD_REQUEST, f"Input {name!r}: unable to base64 decode") from None


def _first_other(flat: list[Any], types: tuple[type, ...]) -> str:
    return repr(next(value for value in flat if type(value) not in types))[:100]


def _to_json(name: str, array: np.ndarray) -> Any:
    if array.dtype != object:
        return array.tolist()
    if name.endswith("_bytes"):
        strings: list[Any] = [{"b64": base64.b64encode(content).decode()} for content in array.ravel()]
    else:
        strings = [content.decode("utf-8", "replace") for content in array.ravel()]
    return strings if array.ndim else strings[0]
