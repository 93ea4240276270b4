"""The one exception that is meant for the person at the keyboard."""

import errno
from pathlib import Path

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class UserError(Exception):
    """A mistake that the user can mend: a missing file, a bad setting, a broken picture.

    The message says what is wrong, where, and how to mend it. Commands print it as one line and exit with code 2
    (see `keras_deid.cli.ending`); everything else that is raised is a bug and stays a traceback.
    """


def cannot_write(where: Path, error: OSError) -> UserError:
    """Returns the error for a file or folder that cannot be written: what happened, and what mends that.

    Args:
        where: what was written, if the error does not name a file.
        error: as the system raised it.
    """
    reason = error.strerror or (str(error).strip().splitlines() or [type(error).__name__])[0]
    mend = "make room or choose another place" if error.errno in _FULL else "choose another place"
    return UserError(f"{error.filename or where}: cannot be written ({reason}); {mend}")
