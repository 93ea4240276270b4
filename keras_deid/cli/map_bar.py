"""The progress bar of attention reports."""

import contextlib
from collections.abc import Callable, Iterator

from tqdm import tqdm


@contextlib.contextmanager
def map_bar(total: int | None = None) -> Iterator[Callable[[str, int], None]]:
    """Shows a bar while a report is made; gives what tells it what is being done, and how many more maps are there.

    Args:
        total: how many maps there will be; None if that is not known.
    """
    with tqdm(unit=" maps", total=total, leave=False, disable=None) as bar:

        def show(what: str, maps: int) -> None:
            bar.set_description(what)
            bar.update(maps)

        yield show
