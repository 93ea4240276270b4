"""What both clients of a server have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from keras_deid.data.images import encode_png
from keras_deid.serving.metadata import read_metadata
from keras_deid.serving.request import decode_picture


class RemoteModel(ABC):
    """A model on a server; its signatures and size are read from the server's metadata.

    Args:
        address: of the model, for errors.
        server: the part of the address that names the server.
        name: of the model.
        wait: seconds to wait until the model is AVAILABLE.

    Attributes:
        mark: the model's locator, uint8 `(height, width, 3)` -> float32 `(height / 4, width / 4)`, the probability of
            being hidden; None if the model has none.

    Raises:
        ServingError: if the server is not there in time, or does not offer what is needed.
    """

    def __init__(self, address: str, server: str, name: str, wait: float) -> None:
        self.name = name
        self._address = address
        self.version, self._files, self.size, self.context, self.adds_detail, locates = read_metadata(
            address, lambda: self.states().values(), self._metadata, self._describe, wait
        )
        self.mark: Callable[[np.ndarray], np.ndarray] | None = self._mark if locates else None
        self.identity = f"{server} {name} {self.version}"

    def restore(self, pictures: np.ndarray) -> np.ndarray:
        """Restores pictures of the model's size, uint8 `(batch, *size, 3)`, sent as PNG.

        Raises:
            ServingError: if the server does not answer, or says no.
        """
        answers = self.restore_files([encode_png(picture) for picture in pictures])
        return np.stack([decode_picture(self._address, answer) for answer in answers])

    @abstractmethod
    def restore_files(self, contents: Sequence[bytes]) -> list[bytes]:
        """Restores pictures of any size, given as the content of files; returns PNG.

        Raises:
            ServingError: if the server does not answer, or says no.
        """

    @abstractmethod
    def states(self) -> Mapping[int, str]:
        """Returns the versions with their states.

        Raises:
            ServingError: if the server does not answer, or does not know the model.
        """

    @abstractmethod
    def _metadata(self) -> Any:
        """Asks for the metadata, in the form of the REST interface."""

    @abstractmethod
    def _describe(self) -> str | bytes:
        """Calls the signature `describe` for one row."""

    @abstractmethod
    def _mark(self, picture: np.ndarray) -> np.ndarray:
        """Calls the locator, see `mark`."""
