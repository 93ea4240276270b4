import argparse
import errno
import os
import subprocess
import sys

import pytest

from keras_deid.cli.ending import exit_codes
from keras_deid.errors import UserError


def run(code, **settings):
    """Runs Python code in a process of its own, as a script would run."""
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, **settings)


def raising(error):
    @exit_codes
    def main(argv: list[str] | None = None) -> int:
        raise error

    return main


def test_returns_what_main_returns_and_passes_the_arguments_on():
    seen = []

    @exit_codes
    def main(argv: list[str] | None = None) -> int:
        seen.append(argv)
        return 3

    assert main(["--flag"]) == 3
    assert main() == 3
    assert seen == [["--flag"], None]


def test_a_user_error_is_one_line_on_stderr_and_code_2(capsys):
    assert raising(UserError("no photos in album/: give a folder that has some"))([]) == 2
    printed = capsys.readouterr()
    assert printed.err == "error: no photos in album/: give a folder that has some\n"
    assert printed.out == ""


def test_several_mistakes_are_a_line_each(capsys):
    assert raising(UserError("a.yaml: training.epochs: not a number\na.yaml: loss.x: unknown key"))([]) == 2
    assert capsys.readouterr().err == (
        "error: a.yaml: training.epochs: not a number\nerror: a.yaml: loss.x: unknown key\n"
    )


def test_a_wrong_command_line_exits_with_2_too(capsys):
    @exit_codes
    def main(argv: list[str] | None = None) -> int:
        argparse.ArgumentParser(prog="train.py").parse_args(argv)
        return 0

    with pytest.raises(SystemExit) as stopped:
        main(["--no-such-flag"])
    assert stopped.value.code == 2
    assert "unrecognized arguments: --no-such-flag" in capsys.readouterr().err


def test_ctrl_c_is_one_line_and_code_130(capsys):
    assert raising(KeyboardInterrupt())([]) == 130
    assert capsys.readouterr().err == "interrupted\n"


@pytest.mark.parametrize("error", [ValueError("a bug"), KeyError("a bug"), OSError(errno.EIO, "a bug")])
def test_bugs_stay_tracebacks(error):
    with pytest.raises(type(error)):
        raising(error)([])


def test_a_broken_pipe_that_is_not_the_standard_output_is_a_bug():
    with pytest.raises(BrokenPipeError):
        raising(BrokenPipeError(errno.EPIPE, "a worker went away"))([])


PRINTS_A_LOT = """
import sys
from keras_deid.cli.ending import exit_codes

@exit_codes
def main(argv=None):
    for number in range(LINES):
        print(number)
    return 0

sys.exit(main())
"""


@pytest.mark.parametrize("lines", [1, 100_000])
def test_a_reader_that_goes_away_ends_the_command_without_a_word(lines):
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "wb") as closed_pipe:
        ended = subprocess.run(
            [sys.executable, "-c", PRINTS_A_LOT.replace("LINES", str(lines))],
            stdout=closed_pipe,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
        )
    assert ended.stderr == ""
    assert ended.returncode == 141


@pytest.mark.parametrize(("before", "during"), [(None, "2"), ("0", "0")])
def test_tensorflow_is_quiet_unless_somebody_asked_otherwise(before, during):
    environment = {key: value for key, value in os.environ.items() if key != "TF_CPP_MIN_LOG_LEVEL"}
    if before is not None:
        environment["TF_CPP_MIN_LOG_LEVEL"] = before
    ended = run("import keras_deid.cli.ending, os; print(os.environ['TF_CPP_MIN_LOG_LEVEL'])", env=environment)
    assert ended.stdout == f"{during}\n", ended.stderr


def test_keeps_the_name_and_the_words_of_main():
    @exit_codes
    def main(argv: list[str] | None = None) -> int:
        """Trains."""
        return 0

    assert (main.__name__, main.__doc__) == ("main", "Trains.")
