"""Shows how far a pipeline is, on whatever runner: by the manifests that lie in the output."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator

from keras_deid.beam.manifests import FOLDER
from keras_deid.beam.places import Place
from keras_deid.beam.shards import SHARD_NAME
from keras_deid.progress import Progress

SECONDS = 5.0
"""Between two looks."""


@contextlib.contextmanager
def watching(out: Place, what: str, progress: Progress) -> Iterator[None]:
    """Counts the shards that are done, while a pipeline runs.

    Args:
        out: where it writes.
        what: it does.
        progress: counts the shards.
    """
    ended = threading.Event()

    def look() -> None:
        while not ended.wait(SECONDS):
            with contextlib.suppress(OSError):  # a look that fails is no reason to end the work
                _show(out, what, progress)

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
    _show(out, what, progress)


def _show(out: Place, what: str, progress: Progress) -> None:
    named = (SHARD_NAME.search(out.name_of(file.path)) for file in out.files(FOLDER))
    totals = [int(name.group(2)) for name in named if name]
    if totals:
        # Others are of an earlier run with more or fewer files.
        total = max(set(totals), key=totals.count)
        progress(totals.count(total), total, what)
