"""The dice of a scene."""

import random
from collections.abc import Sequence
from typing import TypeVar

Item = TypeVar("Item")


class Chance:
    """Random choices that are the same on every machine and in every Python.

    Uses `random.Random.random` alone: of Python's random numbers only these are promised to stay as they are from one
    version to the next, and for single numbers they cost a tenth of NumPy's.

    Args:
        seed: int >= 0.
    """

    def __init__(self, seed: int) -> None:
        """Starts the sequence that `seed` names."""
        self._next = random.Random(seed).random

    def between(self, low: float, high: float) -> float:
        """Returns a number in [low, high), every one as likely."""
        return low + (high - low) * self._next()

    def around(self, middle: float, spread: float) -> float:
        """Returns a number in middle +- spread, the more likely the nearer to the middle (a triangle)."""
        return middle + spread * (self._next() - self._next())

    def whole(self, low: int, high: int) -> int:
        """Returns a whole number in [low, high], every one as likely."""
        return low + int(self._next() * (high - low + 1))

    def happens(self, probability: float) -> bool:
        """Returns True in this fraction of the calls."""
        return self._next() < probability

    def pick(self, items: Sequence[Item]) -> Item:
        """Returns one of the items, every one as likely."""
        return items[int(self._next() * len(items))]
