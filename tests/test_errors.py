import errno
from pathlib import Path

import pytest

from keras_deid.errors import cannot_write


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (OSError(errno.ENOSPC, "No space left"), "out: cannot be written (No space left); make room or choose"),
        (
            PermissionError(errno.EACCES, "Permission denied", "out/a"),
            "out/a: cannot be written (Permission denied); ",
        ),
        (OSError("failed\nin detail"), "out: cannot be written (failed); choose another place"),
        (OSError(), "out: cannot be written (OSError); choose another place"),
    ],
)
def test_only_a_full_disk_needs_room(error, message):
    said = str(cannot_write(Path("out"), error))
    assert said.startswith(message) and ("room" in said) == (error.errno == errno.ENOSPC)
