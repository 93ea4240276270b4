"""The pictures that the page holds, by a name that cannot be guessed."""

from __future__ import annotations

import secrets
import threading

from keras_deid.demo.picture import Picture
from keras_deid.errors import UserError

MOST_HELD = 4
"""Pictures that are held at a time; one of 100 million pixels takes 300 MB, and as much again when it is restored."""


class HeldPictures:
    """The last pictures, in memory alone; may be used from several threads."""

    def __init__(self) -> None:
        self._pictures: dict[str, Picture] = {}
        self._lock = threading.Lock()

    def hold(self, picture: Picture) -> str:
        """Takes a picture, and lets the oldest one go where there are too many.

        Returns:
            the picture's token.
        """
        token = secrets.token_urlsafe(16)
        with self._lock:
            self._pictures[token] = picture
            while len(self._pictures) > MOST_HELD:
                del self._pictures[next(iter(self._pictures))]
        return token

    def picture(self, token: str) -> Picture:
        """Returns a picture.

        Raises:
            UserError: if it is not held any more.
        """
        with self._lock:
            if token not in self._pictures:
                raise UserError("the page holds this photograph no longer; drop it again")
            return self._pictures[token]
