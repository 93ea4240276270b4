"""How many pictures a generator restores in a second, measured for all of them in turns."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

# Rounds in which each generator has a turn: what else the machine does then falls on all of them alike.
ROUNDS = 5
# A turn goes on until this much time is over, and is one call at least.
TURN_SECONDS = 0.3


def restored_per_second(
    generators: Mapping[str, Callable[[np.ndarray], Any]],
    batch: np.ndarray,
    clock: Callable[[], float] = time.perf_counter,
) -> dict[str, float]:
    """Measures generators in alternating turns: A B C A B C.

    Args:
        generators: by name, a function that restores a batch and returns when that is done.
        batch: what it is given, `(pictures, height, width, 3)`.
        clock: returns the time in seconds.

    Returns:
        pictures in a second by name: the median over the rounds. The first call of each, which compiles, is not
        counted.
    """
    for generator in generators.values():
        generator(batch)
    rates: dict[str, list[float]] = {name: [] for name in generators}
    for _ in range(ROUNDS):
        for name, generator in generators.items():
            rates[name].append(len(batch) / _seconds_a_call(generator, batch, clock))
    return {name: statistics.median(found) for name, found in rates.items()}


def _seconds_a_call(generator: Callable[[np.ndarray], Any], batch: np.ndarray, clock: Callable[[], float]) -> float:
    begun, calls = clock(), 0
    while True:
        generator(batch)
        calls += 1
        elapsed = clock() - begun
        if elapsed >= TURN_SECONDS:
            return elapsed / calls
