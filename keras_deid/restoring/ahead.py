"""Items that another thread makes before they are asked for."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

_T = TypeVar("_T")
_END = object()


def ahead(items: Iterable[_T], most: int) -> Generator[_T]:
    """Yields items in their order while one other thread makes the next ones.

    Args:
        items: is iterated over in that thread; what it raises is raised here, in its place.
        most: >= 1; how many items may wait.

    Yields:
        The items. When the iterator is closed, the thread has ended, and makes no further item.
    """
    made = iter(items)
    pool = ThreadPoolExecutor(1)
    try:
        waiting: deque[Future[object]] = deque(pool.submit(next, made, _END) for _ in range(most))
        while (item := waiting.popleft().result()) is not _END:
            waiting.append(pool.submit(next, made, _END))
            yield item  # type: ignore[misc]
    finally:
        pool.shutdown(cancel_futures=True)
