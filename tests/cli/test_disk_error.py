"""A disk that is full or cannot be written to: one line, and the same command goes on when that is mended."""

import errno
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from keras_deid.cli import evaluate, export, train
from keras_deid.cli.disk_error import disk_error
from keras_deid.cli.ending import exit_codes

ROOT = Path(__file__).parents[2]
# For the grid of samples; the generator takes 149 kB, a checkpoint 133 kB.
ROOM = 5_000
CONFIG = """
name: tiny
data: {image_size: [16, 16], synthetic: {train: 4, val: 2, test: 1}}
generator: {filters: 4, blocks: 1, reduction: 4}
discriminator: {filters: 4, layers: 1}
training: {batch_size: 2, epochs: 1, decay_epochs: 0, samples: 1, checkpoint_steps: 1}
"""


class ResourceExhaustedError(Exception):
    __module__ = "tensorflow.python.framework.errors_impl"


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (
            OSError(errno.ENOSPC, "", "a.bin"),
            "a.bin: cannot be written (No space left on device); make room or choose another place",
        ),
        (OSError(errno.EROFS, "", "a.bin"), "a.bin: cannot be written (Read-only file system); choose another place"),
        (PermissionError(errno.EACCES, ""), "the disk: cannot be written (Permission denied); choose another place"),
        (
            ResourceExhaustedError("x/ckpt; No space left on device"),
            "the disk: cannot be written (No space left on device); make room",
        ),
        (FileNotFoundError(errno.ENOENT, "", "a.bin"), None),
        (ConnectionResetError(errno.ECONNRESET, ""), None),
        (ResourceExhaustedError("out of memory"), None),
        (ValueError("No space left on device"), None),
    ],
)
def test_failures_of_the_disk_are_told_from_bugs(error, line):
    found = disk_error(error)
    assert found is None if line is None else found.startswith(line)


@pytest.mark.parametrize("second", [ValueError("second"), OSError(errno.EACCES, "", "b.bin")])
def test_the_first_error_is_not_hidden_by_a_second_one(capsys, second):
    @exit_codes
    def main():
        try:
            raise OSError(errno.ENOSPC, "", "a.bin")
        finally:
            raise second

    assert main() == 2
    assert (
        capsys.readouterr().err
        == "error: a.bin: cannot be written (No space left on device); make room or choose another place\n"
    )


def test_bugs_keep_their_tracebacks():
    @exit_codes
    def main():
        raise KeyError("a bug")

    with pytest.raises(KeyError):
        main()


# Runs commands one after the other, each with room for so many bytes in a file; its output goes into pipes.
PROGRAM = """
import importlib, json, sys
sys.path.insert(0, "tests")
from full_disk import full_disk

for room, command, *words in json.loads(sys.argv[1]):
    main = importlib.import_module(f"keras_deid.cli.{command}").main
    with full_disk(room):
        code = main(words)
    print(f"code {code}", file=sys.stderr, flush=True)
"""


def run_commands(*commands):
    """Returns for each command its exit code and the errors that it printed."""
    words = [sys.executable, "-c", PROGRAM, json.dumps(commands)]
    said = subprocess.run(words, cwd=ROOT, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True).stderr
    assert "Traceback" not in said, said
    found, errors = [], []
    for line in said.splitlines():
        if line.startswith("error: "):
            errors.append(line)
        if line.startswith("code "):
            found.append((int(line.split()[1]), errors))
            errors = []
    return found


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A run that was begun on full disks, and finished when there was room."""
    place = tmp_path_factory.mktemp("run")
    (place / "tiny.yaml").write_text(CONFIG)
    words = ["train", "--config", str(place / "tiny.yaml"), "--run", str(place / "run"), "--metrics-only"]
    # In turn there is no room for the first checkpoint, and for the networks.
    return place / "run", run_commands(*([room, *words] for room in (100_000, 140_000, sys.maxsize)))


def test_training_on_a_full_disk_is_one_line_and_goes_on(trained):
    run, ended = trained
    for code, errors in ended[:-1]:
        assert code == 2 and len(errors) == 1 and "File too large" in errors[0]
    assert ended[-1] == (0, [])
    assert (run / "summary.json").is_file()
    assert not [path for path in run.rglob("*") if path.name.startswith((".partial", ".lock"))]


def test_evaluating_and_exporting_on_a_full_disk_is_one_line_and_leaves_no_half_files(trained, tmp_path):
    run = shutil.copytree(trained[0], tmp_path / "run")
    before = {path.name: path.read_bytes() for path in run.glob("evaluation.*")}
    export = ["export", str(run), "--out", str(tmp_path / "model"), "--no-locator"]
    # At first without a limit: TensorFlow writes files of its own when it reads Python code for the first time.
    first, *ended = run_commands([sys.maxsize, "evaluate", str(run)], [ROOM, "evaluate", str(run)], [ROOM, *export])
    assert first == (0, [])
    for code, errors in ended:
        assert code == 2 and len(errors) == 1 and "File too large" in errors[0]
    assert {path.name: path.read_bytes() for path in run.glob("evaluation.*")} == before
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


@pytest.mark.parametrize("command", ["train", "evaluate", "export"])
def test_a_read_only_disk_is_one_line(trained, tmp_path, monkeypatch, capsys, command):
    opened = os.open

    def read_only(path, flags, *arguments, **settings):
        if flags & (os.O_WRONLY | os.O_RDWR) and str(path).startswith(str(tmp_path)):
            raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(path))
        return opened(path, flags, *arguments, **settings)

    run = shutil.copytree(trained[0], tmp_path / "run")
    config = trained[0].parent / "tiny.yaml"
    monkeypatch.setattr(os, "open", read_only)
    code = {
        "train": lambda: train.main(["--config", str(config), "--run", str(tmp_path / "other"), "--metrics-only"]),
        "evaluate": lambda: evaluate.main([str(run)]),
        "export": lambda: export.main([str(run), "--out", str(tmp_path / "model"), "--no-locator"]),
    }[command]()
    assert code == 2
    error = capsys.readouterr().err
    assert "error: " in error and "Read-only file system" in error and "Traceback" not in error
    assert [path.name for path in tmp_path.iterdir()] == ["run"]
    assert Path(run / "summary.json").is_file()
