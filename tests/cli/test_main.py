import importlib
import os
import resource
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

import keras_deid
from keras_deid.cli.command import Command, LazyGroup, command_line
from keras_deid.cli.main import SUMMARIES, main
from keras_deid.errors import UserError

ROOT = Path(__file__).parents[2]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT)}
SCRIPTS = {name: f"{name}.py" for name in SUMMARIES} | {"report": "gradcam_report.py"}


def in_process(*words, **settings):
    """Runs `keras-deid` in a process of its own."""
    command = [sys.executable, "-m", "keras_deid.cli", *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, env=ENVIRONMENT, **settings)


def test_the_help_lists_the_commands(capsys):
    assert main(["--help"]) == 0
    printed = capsys.readouterr().out
    for name, summary in SUMMARIES.items():
        assert f"  {name:<8}  {summary}\n" in printed
    assert main([]) == 2
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.endswith(f"keras-deid, version {keras_deid.__version__}\n")


@pytest.mark.parametrize("name", SUMMARIES)
def test_every_command_has_help_a_script_and_its_name(name, capsys):
    command = importlib.import_module(f"keras_deid.cli.{name}").main
    assert isinstance(command, Command) and command.name == name
    assert main([name, "--help"]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith(f"Usage: keras-deid {name} [OPTIONS]")
    assert (ROOT / "scripts" / SCRIPTS[name]).read_text() == (
        f'from keras_deid.cli.{name} import main\n\nif __name__ == "__main__":\n    raise SystemExit(main())\n'
    )
    for option in command.params:
        assert isinstance(option, click.Argument) or option.help, option.name


@pytest.mark.parametrize("words", [[], *[[name] for name in SUMMARIES]])
def test_help_is_quick_and_light(words):
    code = (
        "import sys; from keras_deid.cli.main import main; code = main([*sys.argv[1:], '--help']); "
        "print(code, {'tensorflow', 'keras', 'numpy', 'cv2', 'pydantic', 'tqdm'} & {*sys.modules})"
    )
    seconds = []
    for _ in range(3):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        ended = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True, timeout=60)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        seconds.append(after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime)
        assert ended.stdout.endswith("\n0 set()\n"), ended.stderr
    # The processor's time, which is the clock's where nothing else runs.
    assert min(seconds) < 0.3


def test_a_reader_that_goes_away_ends_the_help_without_a_word():
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-m", "keras_deid.cli", "train", "--help"]
    with os.fdopen(writer, "wb") as closed_pipe:
        ended = subprocess.run(command, stdout=closed_pipe, stderr=subprocess.PIPE, timeout=60, env=ENVIRONMENT)
    assert (ended.returncode, ended.stderr) == (141, b"")


def test_an_unknown_preset_is_one_line_with_those_that_exist(tmp_path):
    ended = in_process("train", "--config", "nope", cwd=tmp_path)
    assert ended.returncode == 2 and ended.stdout == ""
    (line,) = ended.stderr.splitlines()
    assert line.startswith("error: nope: no such file or preset; the presets are ") and " quickstart, " in line
    assert list(tmp_path.iterdir()) == []


def test_a_script_says_the_same(tmp_path):
    words = ["--config", "nope"]
    command = [sys.executable, ROOT / "scripts/train.py", *words]
    script = subprocess.run(command, capture_output=True, text=True, timeout=60, env=ENVIRONMENT, cwd=tmp_path)
    ended = in_process("train", *words, cwd=tmp_path)
    assert (script.returncode, script.stdout, script.stderr) == (ended.returncode, ended.stdout, ended.stderr)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["trian"], "No such command 'trian'"),
        (["train", "--runs", "x"], "No such option '--runs'"),
        (["evaluate"], "Missing argument 'RUN'"),
        (["evaluate", "RUN", "--limit", "0"], "0 is not in the range x>=1"),
        (["report", "RUN", "--photos", "a", "--data", "b"], "--photos and --data cannot be given together"),
        (["restore", "a.png", "b.png", "--boxes", "c.csv", "--whole"], "--boxes and --whole cannot be given together"),
        (["restore", "a", "b", "--run", "a", "--url", "b"], "--run and --url cannot be given together"),
        (["restore", "a.png"], "Missing OUTPUT"),
    ],
)
def test_a_wrong_command_line_is_code_2_and_says_how_to_use_it(words, message, capsys):
    assert main(words) == 2
    printed = capsys.readouterr()
    assert printed.out == "" and printed.err.startswith("Usage: keras-deid ") and message in printed.err


class TestEndings:
    """Sub-commands end as `exit_codes` says."""

    @pytest.fixture
    def group(self, monkeypatch):
        def end(error):
            @click.command("end", cls=Command)
            def main():
                if isinstance(error, BaseException):
                    raise error
                return error

            monkeypatch.setitem(sys.modules, "ends.end", type(sys)("ends.end"))
            sys.modules["ends.end"].main = main
            return LazyGroup(package="ends", summaries={"end": "Ends."}, name="ends")

        monkeypatch.setitem(sys.modules, "ends", type(sys)("ends"))
        return end

    @pytest.mark.parametrize(
        ("error", "code", "written"),
        [
            (0, 0, ""),
            (1, 1, ""),
            (UserError("a: no\nb: neither"), 2, "error: a: no\nerror: b: neither\n"),
            (KeyboardInterrupt(), 130, "interrupted\n"),
        ],
    )
    def test_codes(self, group, capsys, error, code, written):
        assert group(error)(["end"]) == code
        assert capsys.readouterr().err == written

    def test_bugs_stay_tracebacks(self, group):
        with pytest.raises(ZeroDivisionError):
            group(ZeroDivisionError())(["end"])

    def test_click_s_runner_works_too(self, group):
        assert CliRunner().invoke(group(UserError("no")), ["end"]).return_value == 2


def test_the_command_of_a_report_names_no_place_on_this_machine():
    said = []

    @click.command("report", cls=Command)
    @click.argument("words", nargs=-1)
    def report(words):
        said.append(command_line())
        return 0

    words = ["/home/me/runs/a", "runs/b", "data.path=/home/me/photos", "--", "--masks=/home/me/my masks"]
    assert report.main(words) == 0
    assert said == ["keras-deid report a runs/b data.path=photos -- '--masks=my masks'"]
