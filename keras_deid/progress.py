"""How long work tells how far it is; who shows it decides how."""

from __future__ import annotations

from collections.abc import Callable

# Called with the units done so far, their number in all (None where it is not known), and what is being done.
Progress = Callable[[int, "int | None", str], object]


def silent(done: int, total: int | None, what: str) -> None:
    """Shows nothing."""


class Counter:
    """Adds up the units of a piece of work and reports the sum after each step.

    Args:
        progress: is called after each step.
        total: units of the whole work; None if not known.
        what: is being done.
    """

    def __init__(self, progress: Progress, total: int | None, what: str) -> None:
        self._progress = progress
        self._total = total
        self._what = what
        self._done = 0

    def add(self, units: int) -> None:
        """Counts further units and reports how many are done."""
        self._done += units
        self._progress(self._done, self._total, self._what)
