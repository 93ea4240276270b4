"""A client for TensorFlow Serving's REST interface."""

from __future__ import annotations

import base64
import io
import json
import re
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import urllib3
from PIL import Image

from keras_deid.data.images import encode_png, read_image
from keras_deid.errors import UserError
from keras_deid.serving.regions import DEFAULT_CONTEXT

RESPONSE_LIMIT = 256 * 2**20
"""Bytes of a response; more is not read."""
_RETRIED = (503, 504)
PAUSES = (0.2, 0.5, 1.0, 2.0)
"""Seconds before each further attempt of a request."""
_URL = re.compile(r"(?P<server>https?://[^/]+)/v1/models/(?P<name>[^/:]+)(/versions/[0-9]+|/labels/[^/:]+)?")


class ServingError(UserError):
    """A request that a server did not answer as it should.

    Args:
        url: of the request.
        message: the server's own, where it gave one.
        status: HTTP status code; None if there was no response.
    """

    def __init__(self, url: str, message: str, status: int | None = None) -> None:
        code = "" if status is None else f" (HTTP {status})"
        super().__init__(f"{url}: {message}{code}")
        self.url = url
        self.server_message = message
        self.status = status


class Endpoint(NamedTuple):
    """A signature with one input and one output, and the shape of the input, -1 where any size goes."""

    signature: str
    input_name: str
    output_name: str
    dtype: str
    shape: tuple[int, ...]


class RestModel:
    """A model on a server; what it offers is read from the server's metadata.

    Requests are sent again only after 503, 504 or a refused connection: in other cases the server may have got them.

    Args:
        url: `http://HOST:PORT/v1/models/NAME`, with `/versions/N` or `/labels/L` behind it or not.
        deadline: seconds for a request, with its repetitions.
        wait: seconds to wait until the model is AVAILABLE.

    Raises:
        UserError: if the URL is of another form.
        ServingError: if the server is not there in time, or does not offer what is needed.
    """

    def __init__(self, url: str, deadline: float = 60.0, wait: float = 30.0) -> None:
        found = _URL.fullmatch(url)
        if found is None:
            raise UserError(f"{url}: expected http://HOST:PORT/v1/models/NAME[/versions/N|/labels/L]")
        self.name = found["name"]
        self._url = url
        self._deadline = deadline
        self._pool = urllib3.PoolManager(retries=False)
        wait_until_available(url, self._states, wait)
        metadata = self._get("/metadata")
        self.version: str = metadata["model_spec"]["version"]
        self.identity = f"{found['server']} {self.name} {self.version}"
        self.context = DEFAULT_CONTEXT
        endpoints = list_endpoints(metadata)
        self._bytes = find_endpoint(url, endpoints, "DT_STRING", 1, "files of pictures")
        pixels = find_endpoint(url, endpoints, "DT_UINT8", 4, "uint8 pixels")
        self.size: tuple[int, int] = (pixels.shape[1], pixels.shape[2])

    def restore(self, pictures: np.ndarray) -> np.ndarray:
        """Restores pictures of the model's size, uint8 `(batch, *size, 3)`, sent as PNG.

        Raises:
            ServingError: if the server does not answer, or says no.
        """
        return np.stack(
            [decode_picture(self._url, one) for one in self.restore_files([encode_png(one) for one in pictures])]
        )

    def restore_file(self, path: Path) -> bytes:
        """Restores a picture file, turned upright first: a server does not see the EXIF orientation.

        Returns:
            PNG of the picture's size.

        Raises:
            ImageError: if the file is missing or broken.
            ServingError: if the server does not answer, or says no.
        """
        return self.restore_files([encode_png(read_image(path))])[0]

    def restore_files(self, contents: Sequence[bytes]) -> list[bytes]:
        """Restores pictures of any size, given as the content of files; returns PNG.

        Raises:
            ServingError: if the server does not answer, or says no.
        """
        files = [{"b64": base64.b64encode(content).decode()} for content in contents]
        answer = self.predict(self._bytes.signature, {self._bytes.input_name: files})
        return [base64.b64decode(one["b64"]) for one in answer]

    def predict(self, signature: str, inputs: Any) -> Any:
        """Calls any signature with its inputs by name, as JSON values; returns the `outputs`.

        Raises:
            ServingError: if the server does not answer, or says no.
        """
        body = json.dumps({"signature_name": signature, "inputs": inputs}).encode()
        return self._request("POST", ":predict", body)["outputs"]

    def predict_rows(self, signature: str, instances: Sequence[Any]) -> list[Any]:
        """Calls any signature with a JSON value for each picture; returns the `predictions`.

        Raises:
            ServingError: if the server does not answer, or says no.
        """
        body = json.dumps({"signature_name": signature, "instances": list(instances)}).encode()
        return self._request("POST", ":predict", body)["predictions"]

    def _states(self) -> list[str]:
        return [row["state"] for row in self._get("")["model_version_status"]]

    def _get(self, path: str) -> Any:
        return self._request("GET", path, None)

    def _request(self, method: str, path: str, body: bytes | None) -> Any:
        end = time.monotonic() + self._deadline
        for pause in (*PAUSES, None):
            try:
                return self._request_once(method, path, body, end)
            except _Again as again:
                if pause is None or time.monotonic() + pause > end:
                    raise again.error from None
                time.sleep(pause)
        raise AssertionError("the last attempt returns or raises")

    def _request_once(self, method: str, path: str, body: bytes | None, end: float) -> Any:
        url = self._url + path
        timeout = urllib3.Timeout(total=max(end - time.monotonic(), 0.001))
        try:
            response = self._pool.request(
                method, url, body=body, timeout=timeout, preload_content=False, redirect=False
            )
            content = response.read(RESPONSE_LIMIT + 1)
            response.release_conn()
        except urllib3.exceptions.NewConnectionError:
            raise _Again(ServingError(url, "no server there (connection refused); start one")) from None
        except urllib3.exceptions.TimeoutError:
            raise ServingError(url, f"no answer within {self._deadline:g} seconds") from None
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise ServingError(url, f"the connection broke: {error}") from None
        if len(content) > RESPONSE_LIMIT:
            raise ServingError(url, f"the response is larger than {RESPONSE_LIMIT} bytes", response.status)
        return _parse(url, response.status, content)


class _Again(Exception):
    """An attempt that may be repeated."""

    def __init__(self, error: ServingError) -> None:
        super().__init__(str(error))
        self.error = error


def _parse(url: str, status: int, content: bytes) -> Any:
    try:
        answer = json.loads(content)
    except ValueError:
        answer = None
    if status == 200 and isinstance(answer, dict):
        return answer
    message = answer.get("error") if isinstance(answer, dict) else None
    error = ServingError(url, str(message or "the response is not JSON, as of something other than a server"), status)
    if status in _RETRIED:
        raise _Again(error)
    raise error


def wait_until_available(server: str, states: Callable[[], Iterable[str]], seconds: float) -> None:
    """Waits until a version of a model is AVAILABLE.

    Args:
        server: for the error.
        states: asks for the states of the model's versions.
        seconds: to wait.

    Raises:
        ServingError: if none is in time, or the server answers something else than that it, or the model, is not there.
    """
    end = time.monotonic() + seconds
    while True:
        try:
            found = list(states())
            if "AVAILABLE" in found:
                return
            last = ServingError(server, f"the model is {', '.join(found) or 'not there'}, not AVAILABLE")
        except ServingError as error:
            if error.status not in (None, 404, *_RETRIED):
                raise
            last = error
        if time.monotonic() > end:
            raise last
        time.sleep(min(PAUSES[0], seconds))


def find_endpoint(server: str, endpoints: Sequence[Endpoint], dtype: str, rank: int, what: str) -> Endpoint:
    """Returns the first signature that takes tensors of a dtype and a rank.

    Raises:
        ServingError: if there is none; `what` says what is missing.
    """
    for endpoint in endpoints:
        if endpoint.dtype == dtype and len(endpoint.shape) == rank:
            return endpoint
    raise ServingError(server, f"no signature takes {what}; export the model with scripts/export.py")


def list_endpoints(metadata: Any) -> list[Endpoint]:
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


def decode_picture(url: str, content: bytes) -> np.ndarray:
    """Decodes a server's PNG to uint8 `(height, width, 3)`.

    Raises:
        ServingError: if it is none.
    """
    try:
        return np.asarray(Image.open(io.BytesIO(content), formats=("PNG",)).convert("RGB"))
    except Exception as error:
        raise ServingError(url, f"the answer is no picture: {error}") from None
