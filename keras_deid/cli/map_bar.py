"""The progress bar of evaluations and reports."""

import contextlib
from collections.abc import Iterator

from tqdm import tqdm

from keras_deid.progress import Progress


@contextlib.contextmanager
def map_bar() -> Iterator[Progress]:
    """Shows a bar while something is made; yields what reports to it."""
    with tqdm(leave=False, disable=None) as bar:

        def show(done: int, total: int | None, what: str) -> None:
            bar.total = total
            bar.set_description(what)
            bar.update(done - bar.n)

        yield show
