"""Tells failures of the disk, which the user can mend, from bugs."""

import errno
import os
from collections.abc import Iterator
from pathlib import Path

from keras_deid.errors import cannot_write

_FAILED = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES, errno.EPERM)


def disk_error(error: BaseException) -> str | None:
    """Describes a failure of the disk in one line: what, where, how to mend it.

    Args:
        error: that was raised. What was raised first counts: a second error in cleaning up hides nothing.

    Returns:
        the line; None if there is no failure of the disk.
    """
    failures = [(number, one) for one in _chain(error) if (number := _number(one)) is not None]
    if not failures:
        return None
    number, first = failures[-1]
    place = Path(getattr(first, "filename", None) or "the disk")
    return str(cannot_write(place, OSError(number, os.strerror(number))))


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """Yields an error, and those in whose handling it was raised, the first one last."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _number(error: BaseException) -> int | None:
    if isinstance(error, OSError):
        return error.errno if error.errno in _FAILED else None
    if type(error).__module__.startswith("tensorflow."):  # which has classes of its own, and the system's words
        return next((number for number in _FAILED if os.strerror(number) in str(error)), None)
    return None
