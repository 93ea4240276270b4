"""Progress bars of all commands."""

import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tqdm import tqdm

_LOG_SECONDS = 10.0
"""Seconds between two lines in a log; on a terminal a bar moves five times a second."""
_SMOOTHING = 0.05
"""Weight of the newest rate; a small one makes the time left steady."""


class Bar:
    """Shows progress on the standard error: things done, rate and time left. It is a `keras_deid.progress.Progress`.

    A count that falls back, or other work with another total, begins a new bar.

    Args:
        unit: name of what is counted, in the plural.
        delay: seconds before a bar appears.
        leave: whether a full bar stays.
        in_logs: whether bars are also written if the standard error is not a terminal.

    Example:
        ```python
        with Bar("files") as progress:
            progress(3, 10, "restoring")
        ```
    """

    def __init__(self, unit: str, *, delay: float = 0.0, leave: bool = False, in_logs: bool = False) -> None:
        self._unit = unit
        self._settings: dict[str, Any] = {
            "delay": delay,
            "leave": leave,
            "disable": False if in_logs else None,  # None: without a terminal
            "mininterval": 0.1 if sys.stderr.isatty() else _LOG_SECONDS,
            "smoothing": _SMOOTHING,
            "dynamic_ncols": True,
        }
        self._bar: tqdm[Any] | None = None
        self._what = ""

    def __call__(self, done: int, total: int | None, what: str) -> None:
        """Moves the bar to `done`."""
        bar = self._bar
        if bar is None or done < bar.n or (what != self._what and total != bar.total):
            from tqdm import tqdm

            self.close()
            # Earlier work says nothing about the rate.
            bar = tqdm(initial=done, total=total, unit=f" {self._unit}", desc=what, **self._settings)
            self._bar, self._what = bar, what
        if what != self._what:
            bar.set_description(what, refresh=False)
            self._what = what
        bar.total = total
        bar.update(done - bar.n)

    def close(self) -> None:
        """Ends the bar."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None

    def __enter__(self) -> "Bar":
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


class Steps:
    """Writes a line at the start of each long step: `[2/9] what is done now`.

    Args:
        total: number of steps.
    """

    def __init__(self, total: int) -> None:
        self._total = total
        self._begun = 0

    def __call__(self, what: str) -> None:
        """Begins a step."""
        self._begun += 1
        print(f"[{self._begun}/{self._total}] {what}", flush=True)
