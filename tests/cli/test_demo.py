import sys

import pytest

from keras_deid.cli import demo as command


class Engine:
    class model:
        name = "tiny"


@pytest.fixture
def started(monkeypatch):
    """What the page was started with, and which addresses a browser was given."""
    seen = {"opened": [], "loaded": []}

    class Server:
        def run(self, sockets):
            seen["address"] = "http://{}:{}".format(*sockets[0].getsockname())

    def load_engine(run, locator, runtime):
        seen["loaded"].append((str(run), str(locator)))
        return Engine

    class Thread:
        def __init__(self, target, args, daemon):
            self.start = lambda: target(*args)

    monkeypatch.setattr("keras_deid.demo.engine.load_engine", load_engine)
    monkeypatch.setattr("keras_deid.demo.run.page_server", lambda engine: Server())
    monkeypatch.setattr("webbrowser.open", seen["opened"].append)
    monkeypatch.setattr(command.threading, "Thread", Thread)
    return seen


def test_the_page_is_opened_at_the_address_that_is_printed(started, capsys):
    assert command.main(["--run", "mine", "--locator", "found", "--port", "0"]) == 0
    assert started["loaded"] == [("mine", "found")] and started["opened"] == [started["address"]]
    printed = capsys.readouterr().out
    assert printed.startswith(f"{started['address']} restores with tiny. Restored faces are invented.")
    assert started["address"].startswith("http://127.0.0.1:")


def test_the_browser_is_left_alone(started):
    assert command.main(["--port", "0", "--no-open"]) == 0
    assert started["opened"] == []


@pytest.mark.parametrize("words", [["--port", "70000"], ["--port", "x"], ["picture.png"]])
def test_a_wrong_command_line_ends_with_2(started, words):
    assert command.main(words) == 2 and not started["loaded"]


def test_what_is_no_run_is_one_line(tmp_path, capsys):
    assert command.main(["--run", str(tmp_path), "--port", "0", "--no-open"]) == 2
    errors = capsys.readouterr().err
    assert errors.count("\n") == 1 and "generator.keras: no such file" in errors


@pytest.mark.parametrize("module", ["starlette", "uvicorn"])
def test_an_extra_that_is_missing_is_named(module, monkeypatch, capsys):
    import keras_deid
    import keras_deid.demo

    # Tests that come later find the package as they left it, not the copy that is imported here.
    monkeypatch.setattr(keras_deid, "demo", keras_deid.demo)
    for name in [name for name in sys.modules if name.startswith("keras_deid.demo")]:
        monkeypatch.delitem(sys.modules, name)
    for name in [name for name in sys.modules if name.partition(".")[0] == module]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, module, None)
    assert command.main(["--no-open"]) == 2
    assert capsys.readouterr().err == (
        f"error: the page needs {module}; install it with: pip install 'keras-deid[demo]'\n"
    )
