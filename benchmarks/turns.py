"""Measuring two programs against each other: in turns, so that what disturbs the machine disturbs both."""

from __future__ import annotations

import importlib
import multiprocessing
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any


@dataclass(frozen=True)
class Rates:
    """What two contestants did in each round, in pieces (images, photos) per second.

    Attributes:
        ours: a rate for each round.
        theirs: likewise.
    """

    ours: Sequence[float]
    theirs: Sequence[float]

    def row(self, name: str) -> str:
        """Returns a line for under `HEADER`: medians, and the median, least and greatest ratio of a round."""
        ratios = [ours / theirs for ours, theirs in zip(self.ours, self.theirs, strict=True)]
        return (
            f"| {name} | {statistics.median(self.ours):.1f} | {statistics.median(self.theirs):.1f} "
            f"| {statistics.median(ratios):.2f} | {min(ratios):.2f} - {max(ratios):.2f} |"
        )


def header(unit: str, theirs: str) -> str:
    """Returns the head of a table of `Rates.row`s."""
    return f"| | keras_deid, {unit}/s | {theirs}, {unit}/s | ratio | least - greatest |\n|---|---|---|---|---|"


def take_turns(ours: Callable[[], float], theirs: Callable[[], float], rounds: int) -> Rates:
    """Calls the two alternately, A B A B; each call returns a rate."""
    rates = [(ours(), theirs()) for _ in range(rounds)]
    return Rates([a for a, _ in rates], [b for _, b in rates])


def rate(work: Callable[[], object], pieces: int, seconds: float) -> float:
    """Repeats `work`, which does so many pieces, for about so many seconds and returns pieces per second."""
    started = time.perf_counter()
    done = 0
    while (passed := time.perf_counter() - started) < seconds:
        work()
        done += pieces
    return done / passed


class Contestant:
    """An object in a process of its own, which sleeps while it is not called.

    Two frameworks in one process would share its thread pools and settings.

    Args:
        module: name of the module with the class `Contestant` to make there.
        arguments: what to make it with.
    """

    def __init__(self, module: str, *arguments: Any) -> None:
        context = multiprocessing.get_context("spawn")
        self._connection, there = context.Pipe()
        self._process = context.Process(target=_serve, args=(there, module, arguments), daemon=True)
        self._process.start()
        there.close()
        self._connection.recv()

    def __enter__(self) -> Contestant:
        return self

    def __exit__(self, *error: object) -> None:
        self._connection.close()
        self._process.join()

    def call(self, method: str, *arguments: Any) -> Any:
        """Calls a method there and returns what it returned.

        Raises:
            EOFError: if the call failed; its traceback is on the standard error.
        """
        self._connection.send((method, arguments))
        return self._connection.recv()


def _serve(connection: Connection, module: str, arguments: tuple[Any, ...]) -> None:
    contestant = importlib.import_module(module).Contestant(*arguments)
    connection.send(None)
    while True:
        try:
            method, given = connection.recv()
        except EOFError:
            return
        connection.send(getattr(contestant, method)(*given))
