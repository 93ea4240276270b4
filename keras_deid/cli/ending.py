"""How every command ends: exit codes, and one line on the standard error for a mistake of the user."""

import functools
import os
import select
import sys
from collections.abc import Callable
from typing import ParamSpec

from keras_deid.cli.disk_error import disk_error
from keras_deid.cli.interrupts import interrupts_once
from keras_deid.errors import UserError

_P = ParamSpec("_P")

EXIT_USER_ERROR = 2  # what click and argparse use for a wrong command line
EXIT_WORKER_LOST = 75  # sysexits' EX_TEMPFAIL: to be tried again
EXIT_INTERRUPTED = 130  # 128 + SIGINT, as shells count
EXIT_BROKEN_PIPE = 141  # 128 + SIGPIPE


def exit_codes(main: Callable[_P, int]) -> Callable[_P, int]:
    """Wraps the `main` of a command so that it ends as a command should.

    A `UserError` becomes one line on the standard error (a message of several lines, such as a list of mistakes in a
    configuration, one line each); Ctrl-C and a disk that cannot be written to become one line as well. A closed pipe
    (`| head`) ends the command silently. Every other exception is a bug and keeps its traceback.

    Args:
        main: returns the exit code.

    Returns:
        The wrapped function, of the same signature. It returns 2 after a `UserError` or a failure of the disk, 130
        after Ctrl-C and 141 after a broken pipe.
    """

    @functools.wraps(main)
    def guarded(*args: _P.args, **kwargs: _P.kwargs) -> int:
        try:
            with interrupts_once(EXIT_INTERRUPTED):
                code = main(*args, **kwargs)
                sys.stdout.flush()  # raises for a broken pipe here rather than while the interpreter shuts down
                return code
        except UserError as error:
            for line in str(error).splitlines():
                print(f"error: {line}", file=sys.stderr)
            return EXIT_USER_ERROR
        except KeyboardInterrupt:
            print("interrupted", file=sys.stderr)
            return EXIT_INTERRUPTED
        except BrokenPipeError:
            if not _reader_has_left():
                raise  # some other pipe, a worker's or a socket: a bug
            _discard_standard_output()
            return EXIT_BROKEN_PIPE
        except Exception as error:
            failure = disk_error(error)
            if failure is None:
                raise
            print(f"error: {failure}", file=sys.stderr)
            return EXIT_USER_ERROR

    return guarded


def _reader_has_left() -> bool:
    """Whether the standard output is the broken pipe."""
    try:
        descriptor = sys.stdout.fileno()
    except OSError:  # not a file: captured by a test, or inside a notebook
        return False
    poll = select.poll()
    poll.register(descriptor, 0)
    return any(event & (select.POLLERR | select.POLLHUP) for _, event in poll.poll(0))


def _discard_standard_output() -> None:
    """Sends buffered output to the null device, so that the flush at exit does not fail."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, sys.stdout.fileno())
    os.close(null)
