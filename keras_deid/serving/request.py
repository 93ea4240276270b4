"""How both clients ask a server: what they send again, how long they wait, and how they say that it went wrong."""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Iterable
from typing import TypeVar

import numpy as np
import tenacity
from PIL import Image
from tenacity.stop import stop_base
from tenacity.wait import wait_base

from keras_deid.errors import UserError

RESPONSE_LIMIT = 256 * 2**20
"""Bytes of a response; more is not read."""
RETRIED = (503, 504)
PAUSES = (0.2, 0.5, 1.0, 2.0)
"""Seconds before each further attempt of a request."""

_Answer = TypeVar("_Answer")


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


class Retry(Exception):
    """An attempt that may be repeated."""

    def __init__(self, error: ServingError) -> None:
        super().__init__(str(error))
        self.error = error


def send(attempt: Callable[[float], _Answer], deadline: float) -> _Answer:
    """Sends a request, and after a pause sends it again where that is allowed.

    Args:
        attempt: sends it once, within the seconds that it is given; raises `Retry` if it may be repeated.
        deadline: seconds for all attempts.

    Raises:
        ServingError: of the last attempt.
    """
    end = time.monotonic() + deadline
    return _repeat(
        lambda: attempt(max(end - time.monotonic(), 0.001)),
        tenacity.wait_chain(*map(tenacity.wait_fixed, PAUSES)),
        tenacity.stop_after_attempt(len(PAUSES) + 1) | tenacity.stop_before_delay(deadline),
    )


def wait_until_available(server: str, states: Callable[[], Iterable[str]], seconds: float) -> None:
    """Waits until a version of a model is AVAILABLE.

    Args:
        server: for the error.
        states: asks for the states of the model's versions.
        seconds: to wait.

    Raises:
        ServingError: if none is in time, or the server answers something else than that it, or the model, is not there.
    """

    def check() -> None:
        try:
            found = list(states())
        except ServingError as error:
            raise Retry(error) if error.status in (None, 404, *RETRIED) else error from None
        if "AVAILABLE" not in found:
            raise Retry(ServingError(server, f"the model is {', '.join(found) or 'not there'}, not AVAILABLE"))

    _repeat(check, tenacity.wait_fixed(min(PAUSES[0], seconds)), tenacity.stop_after_delay(seconds))


def _repeat(attempt: Callable[[], _Answer], wait: wait_base, stop: stop_base) -> _Answer:
    """Calls `attempt` until it no longer raises `Retry`; raises the last one's error when it is time to stop."""
    retrying = tenacity.Retrying(retry=tenacity.retry_if_exception_type(Retry), wait=wait, stop=stop, reraise=True)
    try:
        return retrying(attempt)
    except Retry as retry:
        raise retry.error from None


def decode_picture(url: str, content: bytes) -> np.ndarray:
    """Decodes a server's PNG to uint8 `(height, width, 3)`.

    Raises:
        ServingError: if it is not a PNG.
    """
    return np.asarray(_open_png(url, content).convert("RGB"))


def decode_map(url: str, content: bytes) -> np.ndarray:
    """Decodes a server's grey PNG of 16 bits to float32 `(height, width)` in [0, 1].

    Raises:
        ServingError: if it is not such a PNG.
    """
    image = _open_png(url, content)
    if not image.mode.startswith("I"):
        raise ServingError(url, f"the answer is not a map: its mode is {image.mode}")
    return np.asarray(image, np.float32) / np.float32(65_535)


def _open_png(url: str, content: bytes) -> Image.Image:
    try:
        image = Image.open(io.BytesIO(content), formats=("PNG",))
        image.load()
        return image
    except Exception as error:
        raise ServingError(url, f"the answer is not a picture: {error}") from None
