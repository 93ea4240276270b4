"""A command in a process of its own, which ends when this one does, however that ends."""

import contextlib
import importlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence

_CODE = "from keras_deid.cli.child import run_in_child; raise SystemExit(run_in_child({pipe}, {module!r}))"


def run_child(module: str, words: Sequence[str]) -> int:
    """Runs a command in a process of its own, whose memory and precision leave no trace on this one.

    If this process dies, even by SIGKILL, the child gets SIGTERM and so ends as it does when it is stopped.

    Args:
        module: whose `main` is the command.
        words: of its command line.

    Returns:
        its exit code; negative for a signal.

    Raises:
        KeyboardInterrupt: after Ctrl-C, when the child, which has got it as well, has ended; at a second one the child
            is killed.
    """
    # The child reads a pipe into which nobody writes; it ends with the last process that could.
    reading, writing = os.pipe()
    try:
        code = _CODE.format(pipe=reading, module=module)
        child = subprocess.Popen([sys.executable, "-c", code, *words], pass_fds=(reading,))
    except BaseException:
        os.close(writing)
        raise
    finally:
        os.close(reading)
    try:
        return child.wait()
    except KeyboardInterrupt:
        try:
            child.wait()
        except KeyboardInterrupt:
            child.kill()
            child.wait()
        raise
    finally:
        os.close(writing)


def run_in_child(pipe: int, module: str) -> int:
    """Runs a command in the process that `run_child` has started.

    Args:
        pipe: file descriptor that ends with the parent.
        module: whose `main` is the command.

    Returns:
        its exit code.
    """
    threading.Thread(target=_end_with_parent, args=(pipe,), daemon=True).start()
    code: int = importlib.import_module(module).main()
    return code


def _end_with_parent(pipe: int) -> None:
    with contextlib.suppress(OSError):
        os.read(pipe, 1)
    os.kill(os.getpid(), signal.SIGTERM)
