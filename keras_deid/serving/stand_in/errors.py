"""Errors that a client of the stand-in gets to see."""

from __future__ import annotations


class RequestError(Exception):
    """A request that cannot be answered.

    Args:
        status: HTTP status code.
        message: for the body, `{"error": message}`.
    """

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
