import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
START = """
import sys
from keras_deid.cli.start_tensorflow import start_tensorflow
start_tensorflow()
print("tensorflow" in sys.modules)
print("still heard", file=sys.stderr)
"""


def start(level, *folders):
    """Starts TensorFlow in a process of its own, with modules of `folders` before the installed ones."""
    environment = {key: value for key, value in os.environ.items() if key != "TF_CPP_MIN_LOG_LEVEL"}
    environment["PYTHONPATH"] = os.pathsep.join([*map(str, folders), str(ROOT)])
    if level is not None:
        environment["TF_CPP_MIN_LOG_LEVEL"] = level
    return subprocess.run([sys.executable, "-c", START], capture_output=True, text=True, env=environment, timeout=120)


def fake_tensorflow(folder, last_line):
    (folder / "tensorflow.py").write_text(f'import os\nos.write(2, b"a library reports\\n")\n{last_line}\n')
    return folder


def test_tensorflow_starts_without_a_word():
    ended = start(None)
    assert (ended.stdout, ended.stderr, ended.returncode) == ("True\n", "still heard\n", 0)


def test_a_failed_start_shows_what_was_written(tmp_path):
    ended = start(None, fake_tensorflow(tmp_path, "raise ImportError('broken installation')"))
    assert ended.returncode == 1
    assert ended.stderr.startswith("a library reports\n")
    assert ended.stderr.endswith("ImportError: broken installation\n")


def test_nothing_is_held_back_from_whoever_wants_to_see_it():
    ended = start("0")
    assert (ended.stdout, ended.returncode) == ("False\n", 0)  # left to the first module that needs it
