"""Ctrl-C, also when it is pressed twice: the second one must not stop what clears up after the first."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from collections.abc import Iterator
from types import FrameType
from typing import Any

PAUSE = 1.0
"""Seconds after a Ctrl-C in which further ones count as the same."""
_IMPORTING = "<frozen importlib._bootstrap>"


@contextlib.contextmanager
def interrupts_once(exit_code: int) -> Iterator[None]:
    """Lets Ctrl-C raise `KeyboardInterrupt`, but for `PAUSE` seconds not again.

    While a module is imported, Ctrl-C ends the process instead: libraries that start in C turn `KeyboardInterrupt` into
    other errors. Once the block was ended by Ctrl-C, it is ignored: Python still waits for threads then, and would
    answer with a traceback. Where Ctrl-C has another meaning already, and outside of the main thread, nothing changes.

    Args:
        exit_code: of a process that is ended.
    """
    before = signal.getsignal(signal.SIGINT)
    if before is not signal.default_int_handler or threading.current_thread() is not threading.main_thread():
        yield
        return
    last: float | None = None

    def interrupt(number: int, frame: FrameType | None) -> None:
        nonlocal last
        if _is_importing(frame):
            os._exit(exit_code)
        if last is None or time.monotonic() - last >= PAUSE:
            last = time.monotonic()
            raise KeyboardInterrupt

    after: Any = before
    signal.signal(signal.SIGINT, interrupt)
    try:
        yield
    except KeyboardInterrupt:
        after = before if last is None else signal.SIG_IGN
        raise
    finally:
        signal.signal(signal.SIGINT, after)


def _is_importing(frame: FrameType | None) -> bool:
    while frame is not None:
        if frame.f_code.co_filename == _IMPORTING:
            return True
        frame = frame.f_back
    return False
