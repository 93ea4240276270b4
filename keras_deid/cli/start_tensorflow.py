"""Imports TensorFlow without the lines that it writes about the machine."""

import os
import sys
import tempfile


def start_tensorflow() -> None:
    """Imports TensorFlow and lets it look for devices, quietly.

    TensorFlow's libraries write to the standard error while they load, before `TF_CPP_MIN_LOG_LEVEL` has any effect.
    Without a GPU, the search for one ends in a line that looks like a failure. A command calls this function after it
    has parsed its arguments, and before it imports modules that need TensorFlow. With `TF_CPP_MIN_LOG_LEVEL` below 2,
    all lines are shown.

    Raises:
        ImportError: if TensorFlow cannot be imported; its output is then shown.
    """
    if int(os.environ.get("TF_CPP_MIN_LOG_LEVEL", "0")) < 2:
        return
    sys.stderr.flush()
    standard_error = os.dup(2)
    with tempfile.TemporaryFile() as written:
        os.dup2(written.fileno(), 2)
        try:
            import tensorflow

            tensorflow.config.list_physical_devices()
        except Exception:
            written.seek(0)
            os.write(standard_error, written.read())
            raise
        finally:
            sys.stderr.flush()
            os.dup2(standard_error, 2)
            os.close(standard_error)
