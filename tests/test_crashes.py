"""Every command that writes is killed at random moments, and comes to what an uninterrupted run comes to."""

import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import skimage.data
from PIL import Image

ROOT = Path(__file__).parents[1]
KILLS = 10

TRAINING = """
name: NAME
data: {image_size: [16, 16], synthetic: {train: 8, val: 2, test: 2}}
generator: {filters: 4, blocks: 1, reduction: 4}
discriminator: {filters: 4, layers: 1}
training: {batch_size: 2, epochs: 2, decay_epochs: 1, samples: 1, deterministic: true, checkpoint_steps: 2}
"""

# What tells of time, of the machine, or of where it ran; TensorFlow's fingerprint is different each time.
VOLATILE = re.compile(r"(^|/)(tensorboard/|checkpoints/|fingerprint\.pb$|\.field\.partial/)")
TIMES = re.compile(
    r'"?(seconds|images_per_second|data_wait|peak_memory_mb|finished|minutes|modified_ns|restored_per_second|speeds?|'
    r'git_commit|cost|budget|gain_per_second)"?'
)


def photographs(folder):
    """Makes some photographs: enough for a command to be killed in the midst of them."""
    folder.mkdir()
    face = skimage.data.astronaut()[:220, 130:330]
    for number in range(24):
        turned = np.roll(face, 3 * number, axis=1)
        Image.fromarray(turned).save(folder / f"{number:02d}.jpg", quality=95)
        os.utime(folder / f"{number:02d}.jpg", (1e9, 1e9))  # a data set is known by the times of its photographs
    rows = [f"{number:02d}.jpg,{60 + number},60,{120 + number},140" for number in range(24)]
    boxes = folder.with_name("boxes.csv")
    boxes.write_text("\n".join(["path,x0,y0,x1,y1", *rows]) + "\n")


def keras_deid(*words):
    return [sys.executable, "-m", "keras_deid.cli", *words]


LISTED = ["--boxes", "boxes.csv"]
COMMANDS = {
    "prepare": (["prepare", "photos", "--out", "prepared", *LISTED, "--size", "64"], "prepared"),
    "train": (["train", "--config", "tiny.yaml", "--run", "runs/tiny"], "."),
    "evaluate": (["evaluate", "run"], "run"),
    "report": (["report", "run"], "run"),
    "export": (["export", "run", "--out", "model"], "model"),
    "compare": (["compare", "tiny.yaml", "other.yaml", "--out", "runs"], "runs"),
    "restore": (["restore", "photos", "restored", *LISTED], "restored"),
    "find": (["restore", "photos", "--find", "found.csv", "--overlays", "overlays", "--overwrite"], "."),
    "field": (["field", "photos", "--out", "field", *LISTED, "--kinds", "gaussian", "--split", "all"], "."),
}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A finished run, for the commands that need one."""
    place = tmp_path_factory.mktemp("run")
    (place / "tiny.yaml").write_text(TRAINING.replace("NAME", "run"))
    words = keras_deid("train", "--config", "tiny.yaml", "--run", "run", "--metrics-only")
    subprocess.run(words, cwd=place, env=environment(), check=True, stdout=subprocess.DEVNULL)
    return place / "run"


def environment():
    return {**os.environ, "PYTHONPATH": str(ROOT), "TF_CPP_MIN_LOG_LEVEL": "3"}


def make_place(place, run):
    place.mkdir()
    photographs(place / "photos")
    for name in ("tiny", "other"):
        text = TRAINING.replace("NAME", name)
        further = "" if name == "tiny" else "\nloss: {whole_weight: 50}\n"
        (place / f"{name}.yaml").write_text(text.rstrip() + further)
    copied = place / "run"
    subprocess.run(["cp", "-a", str(run), str(copied)], check=True)


def start(words, place):
    return subprocess.Popen(
        keras_deid(*words),
        cwd=place,
        env=environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def finish(words, place):
    """Runs a command to its end; after a kill, the child of the one before may still be about to end."""
    deadline = time.monotonic() + 300
    while True:
        process = start(words, place)
        _, said = process.communicate()
        if process.returncode == 0:
            return
        assert "another process" in said and time.monotonic() < deadline, said
        time.sleep(1)


def content_of(path):
    """What two runs of a command have in common: bytes, and in tables and JSON what does not tell of time."""
    if path.suffix == ".json":
        return without_times(json.loads(path.read_text()))
    if path.name in ("history.csv", "comparison.csv"):
        header, *rows = (line.split(",") for line in path.read_text().splitlines())
        kept = [index for index, name in enumerate(header) if not TIMES.fullmatch(name)]
        return [[row[index] for index in kept] for row in (header, *rows)]
    if path.suffix in (".html", ".md", ".keras") or path.name.startswith("comparison"):
        return None  # a page has times in its text, a zip file in its headers; what they are made of is compared
    return path.read_bytes()


def without_times(content):
    if isinstance(content, dict):
        return {key: without_times(value) for key, value in content.items() if not TIMES.fullmatch(key)}
    if isinstance(content, list):
        return [without_times(value) for value in content]
    return content


def files_of(folder):
    found = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    return {name: content_of(path) for name, path in found.items() if not VOLATILE.search(name)}


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("command", COMMANDS)
def test_killed_again_and_again_it_comes_to_the_same_end(tmp_path, run, command):
    words, out = COMMANDS[command]
    make_place(tmp_path / "at_once", run)
    began = time.monotonic()
    finish(words, tmp_path / "at_once")
    duration = time.monotonic() - began

    place = tmp_path / "killed"
    make_place(place, run)
    chance = random.Random(command)
    killed = 0
    for _ in range(KILLS):
        process = start(words, place)
        try:
            process.wait(chance.uniform(0, duration))
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            killed += 1
        process.communicate()
    assert killed
    finish(words, place)

    expected = files_of(tmp_path / "at_once" / out)
    found = files_of(place / out)
    if command == "export":  # one that comes to its end before it can be killed makes a version of its own
        expected, found = (
            {n: c for n, c in files.items() if n.startswith(("1/", "serving/"))} for files in (expected, found)
        )
    assert found.keys() == expected.keys()
    for name, content in expected.items():
        assert found[name] == content, name
    assert [path.name for path in place.iterdir() if path.name.startswith(".") and path.name != ".field.partial"] == []
