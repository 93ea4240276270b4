"""A client for TensorFlow Serving's REST interface."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import urllib3

from keras_deid.data.images import encode_png, read_image
from keras_deid.errors import UserError
from keras_deid.serving.metadata import DESCRIBE, LOCATE_BYTES
from keras_deid.serving.remote_model import RemoteModel
from keras_deid.serving.request import (
    RESPONSE_LIMIT,
    RETRIED,
    Retry,
    ServingError,
    decode_map,
    send,
)

_URL = re.compile(r"(?P<server>https?://[^/]+)/v1/models/(?P<name>[^/:]+)(/versions/[0-9]+|/labels/[^/:]+)?")


class RestModel(RemoteModel):
    """A model on a server; its signatures and size are read from the server's metadata.

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
        self._deadline = deadline
        self._pool = urllib3.PoolManager(retries=False)
        super().__init__(url, found["server"], found["name"], wait)

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
        """Sends the files as base64."""
        files = [{"b64": base64.b64encode(content).decode()} for content in contents]
        answer = self.predict(self._files.signature, {self._files.input_name: files})
        return [base64.b64decode(one["b64"]) for one in answer]

    def predict(self, signature: str, inputs: Any) -> Any:
        """Calls any signature with its inputs by name, as JSON values; returns the `outputs`.

        Raises:
            ServingError: if the server does not answer, or says no.
        """
        body = json.dumps({"signature_name": signature, "inputs": inputs}).encode()
        return self._request("POST", ":predict", body)["outputs"]

    def _mark(self, picture: np.ndarray) -> np.ndarray:
        """Sends a picture as PNG: as a list of numbers it would be many times larger."""
        files = [{"b64": base64.b64encode(encode_png(picture)).decode()}]
        (answer,) = self.predict(LOCATE_BYTES, {"image_bytes": files})
        return decode_map(self._address, base64.b64decode(answer["b64"]))

    def _describe(self) -> str:
        (answer,) = self.predict(DESCRIBE, {"row": [0]})
        return answer

    def states(self) -> dict[int, str]:
        """Asks for the versions that the URL names."""
        return {int(row["version"]): row["state"] for row in self._get("")["model_version_status"]}

    def _metadata(self) -> Any:
        return self._get("/metadata")

    def _get(self, path: str) -> Any:
        return self._request("GET", path, None)

    def _request(self, method: str, path: str, body: bytes | None) -> Any:
        return send(lambda seconds: self._request_once(method, path, body, seconds), self._deadline)

    def _request_once(self, method: str, path: str, body: bytes | None, seconds: float) -> Any:
        url = self._address + path
        timeout = urllib3.Timeout(total=seconds)
        try:
            response = self._pool.request(
                method, url, body=body, timeout=timeout, preload_content=False, redirect=False
            )
            content = response.read(RESPONSE_LIMIT + 1)
            response.release_conn()
        except urllib3.exceptions.NewConnectionError:
            raise Retry(ServingError(url, "no server there (connection refused); start one")) from None
        except urllib3.exceptions.TimeoutError:
            raise ServingError(url, f"no answer within {self._deadline:g} seconds") from None
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise ServingError(url, f"the connection broke: {error}") from None
        if len(content) > RESPONSE_LIMIT:
            raise ServingError(url, f"the response is larger than {RESPONSE_LIMIT} bytes", response.status)
        return _parse(url, response.status, content)


def _parse(url: str, status: int, content: bytes) -> Any:
    try:
        answer = json.loads(content)
    except ValueError:
        answer = None
    if status == 200 and isinstance(answer, dict):
        return answer
    message = answer.get("error") if isinstance(answer, dict) else None
    error = ServingError(url, str(message or "the response is not JSON, as of something other than a server"), status)
    if status in RETRIED:
        raise Retry(error)
    raise error
