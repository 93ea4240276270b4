"""A child ends with its parent, however that ends."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from keras_deid.cli.child import run_child

# Writes its process number, and what it hears.
COMMAND = """
import os, signal, sys, time
from pathlib import Path

place, stubborn = Path(sys.argv[1]), "stubborn" in sys.argv

def heard(number, frame):
    with open(place / "heard", "a") as file:
        file.write(f"{number} ")
    if not stubborn:
        raise SystemExit(7)

def main():
    signal.signal(signal.SIGTERM, heard)
    signal.signal(signal.SIGINT, heard)
    (place / "number").write_text(str(os.getpid()))
    while "ready" not in sys.argv:
        time.sleep(0.01)
    return 5
"""
PARENT = """
import sys
from keras_deid.cli.child import run_child
run_child("slow_command", sys.argv[1:])
"""


@pytest.fixture
def place(tmp_path, monkeypatch):
    (tmp_path / "slow_command.py").write_text(COMMAND)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), str(Path(__file__).parents[2])]))
    return tmp_path


def wait_for(condition):
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def is_running(number):
    try:
        return Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def text_of(path):
    return path.read_text() if path.exists() else ""


def test_the_exit_code_is_that_of_the_command(place):
    assert run_child("slow_command", [str(place), "ready"]) == 5


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGHUP])
def test_a_parent_that_is_killed_leaves_no_child(place, number):
    with subprocess.Popen([sys.executable, "-c", PARENT, str(place)], start_new_session=True) as parent:
        wait_for(lambda: text_of(place / "number"))
        parent.send_signal(number)
        assert parent.wait() == -number
    child = int(text_of(place / "number"))
    wait_for(lambda: not is_running(child))
    assert text_of(place / "heard").split() == [str(int(signal.SIGTERM))]


def test_ctrl_c_waits_for_the_child_and_a_second_one_kills_it(place):
    words = [sys.executable, "-c", PARENT, str(place), "stubborn"]
    with subprocess.Popen(words, start_new_session=True, stderr=subprocess.DEVNULL) as parent:
        wait_for(lambda: text_of(place / "number"))
        child = int(text_of(place / "number"))
        for times in (1, 2):
            assert is_running(child) and parent.poll() is None
            os.killpg(parent.pid, signal.SIGINT)  # as a terminal does
            if times == 1:
                wait_for(lambda: text_of(place / "heard"))
                time.sleep(0.5)  # subprocess.run would have killed it by now
        parent.wait()
    assert not is_running(child)
