"""The last step of a pipeline, on one worker: completes the folder from what the shards report."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import apache_beam as beam

from keras_deid.beam.outcome import write_refusal
from keras_deid.beam.places import Place
from keras_deid.errors import UserError


class Publish(beam.DoFn):
    """Completes the folder, or writes down why it is not complete.

    Args:
        out: the folder.
        complete: takes what the shards report, in the order of their numbers; may raise `UserError`.
    """

    def __init__(self, out: Place, complete: Callable[[list[Any]], None]) -> None:
        super().__init__()
        self._out, self._complete = out, complete

    def process(self, nothing: None, shards: Iterable[Any], refused: Iterable[str]) -> Iterator[Any]:
        """Completes the folder, unless something was refused."""
        try:
            for message in sorted(refused):
                raise UserError(message)
            self._complete(sorted(shards, key=lambda done: done.shard))
        except UserError as error:
            write_refusal(self._out, error)
        yield from ()
