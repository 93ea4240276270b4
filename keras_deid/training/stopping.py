"""Two reasons to stop early: the user asks, or a loss is not finite."""

from __future__ import annotations

import math
import signal
from types import FrameType
from typing import Any

import keras

from keras_deid.errors import UserError


class StopOnSignal(keras.callbacks.Callback):
    """Ends `fit` after the current step when SIGINT (Ctrl-C) or SIGTERM arrives; a second signal ends it at once.

    Used as a context manager around `fit`, so that the handlers are there before the first step.

    Attributes:
        requested: whether a signal has arrived.
    """

    def __init__(self) -> None:
        super().__init__()
        self.requested = False
        self._previous: dict[int, Any] = {}

    def __enter__(self) -> StopOnSignal:
        for number in (signal.SIGINT, signal.SIGTERM):
            self._previous[number] = signal.signal(number, self._request)
        return self

    def __exit__(self, *exception: object) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Tells `fit` to stop."""
        if self.requested:
            self.model.stop_training = True

    def _request(self, number: int, frame: FrameType | None) -> None:
        if self.requested:
            raise KeyboardInterrupt
        self.requested = True


class StopOnNonFinite(keras.callbacks.Callback):
    """Stops the run when a loss is NaN or infinite; what was saved last stays."""

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Raises `UserError` that names the loss and the step."""
        for name, value in (logs or {}).items():
            if not math.isfinite(float(value)):
                raise UserError(
                    f"{name} is {float(value)} at step {self.model.steps_taken}: the last checkpoint is kept; lower "
                    "training.learning_rate or the loss weights and continue in a new run"
                )
