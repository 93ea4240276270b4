"""A call that is killed, again and again, continues."""

import signal
import subprocess
import sys
import time

from keras_deid.restoring.manifest import MANIFEST
from keras_deid.restoring.restore import restore_folder

from .conftest import PICTURES, Negative, files_of

# The command in a process of its own, with a model that takes its time; its arguments are those of the command.
CHILD = """
import sys, time
import keras_deid.cli.restore, keras_deid.restoring.model

class Slow:
    name, identity, size, context = "negative", "0", (16, 24), 2.0
    adds_detail, mark = False, None
    def __init__(self, folder, runtime):
        pass
    def restore(self, pictures):
        time.sleep(0.05)
        return 255 - pictures

keras_deid.restoring.model.LocalModel = Slow
keras_deid.cli.restore.start_tensorflow = lambda: None
import keras_deid.restoring.pictures, keras_deid.restoring.repair
keras_deid.restoring.pictures.BATCH_SIZE = keras_deid.restoring.repair.BATCH_SIZE = 1
sys.exit(keras_deid.cli.restore.main())
"""


def start(source, out):
    words = [sys.executable, "-c", CHILD, str(source), str(out), "--model", "none", "--whole"]
    return subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


def outputs(folder):
    return [path for path in folder.rglob("*") if path.is_file() and not path.name.startswith(".")]


def stopped_once(source, out, there, number):
    """Runs the command until so many outputs are there, and sends it a signal; returns exit code and messages."""
    with start(source, out) as process:
        deadline = time.monotonic() + 60
        while len(outputs(out)) < there and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.002)
        process.send_signal(number)
        return process.wait(), process.stderr.read()


def test_killed_again_and_again_it_comes_to_the_same_end(folder, tmp_path):
    (folder / "broken.jpg").unlink()
    restore_folder(folder, tmp_path / "in_one_go", Negative(), None)
    whole = files_of(tmp_path / "in_one_go")
    out = tmp_path / "out"
    for there, number, code in (
        (1, signal.SIGKILL, -signal.SIGKILL),
        (9, signal.SIGTERM, 143),
        (17, signal.SIGINT, 130),
        (30, signal.SIGKILL, -signal.SIGKILL),
    ):
        ended, said = stopped_once(folder, out, there, number)
        assert ended == code and said == ("interrupted\n" if number == signal.SIGINT else "")
        halfway = files_of(out)
        assert MANIFEST not in halfway
        assert all(halfway[name] == whole[name] for name in halfway if not name.rpartition("/")[2].startswith("."))
        hidden = [name for name in halfway if name.rpartition("/")[2].startswith(".")]
        assert number == signal.SIGKILL or hidden == [".manifest.jsonl"]
    model = Negative()
    report = restore_folder(folder, out, model, None)
    assert report.kept >= 28 and sum(model.batches) == report.restored == PICTURES + 1 - report.kept
    assert files_of(out) == whole
