import argparse
import errno
import os
import signal
import subprocess
import sys
import time

import pytest

from keras_deid.cli.ending import exit_codes
from keras_deid.cli.interrupts import PAUSE
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


SLOW = """
import signal, sys, time, threading
from pathlib import Path
from keras_deid.cli.ending import exit_codes

@exit_codes
def main():
    thread = threading.Thread(target=time.sleep, args=(1,))  # Python waits for it at its end
    thread.start()
    try:
        print("ready", flush=True)
        time.sleep(60)
    finally:
        print("clearing", flush=True)
        time.sleep(0.3)
        print("cleared", flush=True)
    return 0

sys.exit(main())
"""


@pytest.mark.parametrize("pauses", [(), (0.0,), (0.1,), (0.1, 0.1), (0.5,), (0.1, 0.4, 0.4)])
def test_ctrl_c_may_be_pressed_several_times(pauses):
    """The first one ends the command, the others stop neither what clears up nor what Python does at its end."""
    with subprocess.Popen(
        [sys.executable, "-c", SLOW], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGINT)
        for pause in pauses:
            time.sleep(pause)
            process.send_signal(signal.SIGINT)
        printed, errors = process.communicate(timeout=60)
    assert (process.returncode, printed, errors) == (130, "clearing\ncleared\n", "interrupted\n")


HANGING = """
import sys, time
from keras_deid.cli.ending import exit_codes

@exit_codes
def main():
    try:
        print("ready", flush=True)
        time.sleep(60)
    finally:
        print("clearing", flush=True)
        time.sleep(60)
    return 0

sys.exit(main())
"""


def test_a_later_ctrl_c_ends_what_hangs():
    with subprocess.Popen(
        [sys.executable, "-c", HANGING], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        for expected in ("ready\n", "clearing\n"):
            assert process.stdout.readline() == expected
            process.send_signal(signal.SIGINT)
            time.sleep(PAUSE + 0.2)
        _, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (130, "interrupted\n")


def test_ctrl_c_while_a_module_is_imported_ends_the_process(tmp_path):
    """As libraries do that start in C: the interrupt becomes another error."""
    (tmp_path / "slow_library.py").write_text(
        "import time\nprint('ready', flush=True)\n"
        "try:\n    time.sleep(60)\nexcept KeyboardInterrupt:\n    raise ImportError('failed to start')\n"
    )
    code = (
        "import sys\nfrom keras_deid.cli.ending import exit_codes\n\n@exit_codes\ndef main():\n"
        "    import slow_library\n\nsys.exit(main())\n"
    )
    path = os.pathsep.join([str(tmp_path), *sys.path])
    with subprocess.Popen(
        [sys.executable, "-c", code],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": path},
    ) as process:
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (130, "")


def test_the_answer_to_ctrl_c_is_left_as_it_was():
    before = signal.getsignal(signal.SIGINT)
    raising(KeyboardInterrupt())([])
    assert signal.getsignal(signal.SIGINT) is before


def test_keeps_the_name_and_the_words_of_main():
    @exit_codes
    def main(argv: list[str] | None = None) -> int:
        """Trains."""
        return 0

    assert (main.__name__, main.__doc__) == ("main", "Trains.")
