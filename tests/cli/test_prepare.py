import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from keras_deid.cli.prepare import DEFAULTS, main
from keras_deid.config import PrepareConfig
from keras_deid.data.prepared import PreparedDataset

ROOT = Path(__file__).parents[2]


@pytest.fixture
def folder(tmp_path):
    """Three photographs, one of them broken, and the boxes of the others."""
    (tmp_path / "photos").mkdir()
    for number in range(2):
        picture = np.random.default_rng(number).integers(0, 256, (120, 160, 3)).astype(np.uint8)
        Image.fromarray(picture).save(tmp_path / f"photos/{number}.png")
    (tmp_path / "photos/broken.jpg").write_bytes(b"no picture")
    (tmp_path / "boxes.csv").write_text("path,x0,y0,x1,y1\n0.png,60,30,90,70\n1.png,60,30,90,70\nbroken.jpg,1,2,3,4\n")
    return tmp_path


def run(folder, *more):
    out = folder / "out"
    return main(
        [str(folder / "photos"), "--out", str(out), "--boxes", str(folder / "boxes.csv"), "--size", "32", *more]
    )


def test_prepares_and_says_what_came_out(folder, capfd):
    assert run(folder) == 0
    dataset = PreparedDataset.open(folder / "out")
    assert sum(dataset.counts.values()) == 2
    printed, progress = capfd.readouterr()
    lines = printed.splitlines()
    train, val, test = (dataset.counts[split] for split in ("train", "val", "test"))
    assert lines == [
        f"{folder}/out: {train} train, {val} val, {test} test (fingerprint {dataset.fingerprint})",
        f"skipped: 1 x broken image; see {folder}/out/skipped.csv",
        f"look at: {folder}/out/contact_sheet.png",
    ]
    assert "3/3" in progress and "photos/s" in progress


def test_the_defaults_are_those_of_the_configuration():
    assert PrepareConfig().model_dump() == DEFAULTS


def test_settings_arrive(folder):
    crops = "--region photo --context 3 --off-centre 0.5 --size 64 --no-enlarge"
    words = f"{crops} --min-face 20 --min-score 0.7 --val-fraction 0.2 --test-fraction 0.3"
    assert run(folder, *words.split(), "--workers", "1") == 0
    assert PreparedDataset.open(folder / "out").settings == {
        "region": "photo",
        "context": 3.0,
        "off_centre": 0.5,
        "size": 64,
        "enlarge": False,
        "min_face": 20.0,
        "min_score": 0.7,
        "val_fraction": 0.2,
        "test_fraction": 0.3,
    }


def test_a_second_time(folder, capfd, caplog):
    assert run(folder) == 0
    capfd.readouterr()
    assert run(folder) == 0
    assert "already prepared from these photographs with these settings" in caplog.text
    assert run(folder, "--context", "3") == 2
    assert (
        capfd.readouterr().err.splitlines()[-1].startswith(f"error: {folder}/out: was prepared from other photographs")
    )
    assert run(folder, "--context", "3", "--overwrite") == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["missing", "--out", "out"], "error: missing: does not exist; give a folder with photographs"),
        (["empty", "--out", "out"], "error: empty: no picture in it or in its sub-folders; looked for"),
        (
            ["photos", "--out", "out", "--size", "1"],
            "error: size: input should be greater than or equal to 16, received 1",
        ),
        (["photos", "--out", "out", "--boxes", "none.csv"], "error: none.csv: cannot be read"),
        (["photos", "--out", "photos/out"], "error: photos/out: lies in the folder of photographs"),
    ],
)
def test_mistakes_are_one_line(folder, capfd, monkeypatch, arguments, message):
    monkeypatch.chdir(folder)
    (folder / "empty").mkdir()
    assert main(arguments) == 2
    printed, errors = capfd.readouterr()
    assert printed == "" and errors.startswith(message) and errors.count("\n") == 1
    assert not (folder / "out").exists()


def test_words_that_are_no_numbers(folder, capsys):
    assert run(folder, "--context", "wide") == 2
    assert "--context" in capsys.readouterr().err


def processes_of(group):
    """The processes of a process group that still run."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, its_group = stat.read_text().rpartition(")")[2].split()[:3]
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(its_group) == group and state != "Z":
            found.append(stat.parent.name)
    return found


def start_preparing(tmp_path):
    """Starts the command with two workers, and waits until they have begun."""
    (tmp_path / "photos").mkdir()
    # Its size is read at once, its pixels take the workers seconds in all: the signal comes in the midst of them.
    picture = np.random.default_rng(0).integers(0, 256, (1500, 1500, 3)).astype(np.uint8)
    Image.fromarray(picture).save(tmp_path / "photo.jpg")
    names = [f"{number:04d}.jpg" for number in range(400)]
    for name in names:
        (tmp_path / "photos" / name).symlink_to(tmp_path / "photo.jpg")
    rows = [f"{name},100,100,500,500" for name in names]
    (tmp_path / "boxes.csv").write_text("\n".join(["path,x0,y0,x1,y1", *rows]))
    arguments = ["photos", "--out", "out", "--boxes", "boxes.csv", "--workers", "2"]
    process = subprocess.Popen(
        [sys.executable, ROOT / "scripts/prepare.py", *arguments],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    deadline = time.monotonic() + 60
    while not list(tmp_path.glob(".out.partial/chunk-*.json")) and time.monotonic() < deadline:
        time.sleep(0.02)
    return process


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="looks for processes in /proc")
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, -signal.SIGTERM)])
def test_interrupted(tmp_path, number, code):
    process = start_preparing(tmp_path)
    deadline = time.monotonic() + 60
    os.killpg(process.pid, number)  # as Ctrl-C does: all processes of the terminal hear it
    _, errors = process.communicate(timeout=60)
    assert process.returncode == code, errors
    assert "Traceback" not in errors
    if number == signal.SIGINT:
        assert errors.splitlines()[-1] == "interrupted"
    assert not (tmp_path / "out").exists()
    while processes_of(process.pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert processes_of(process.pid) == []


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="looks for processes in /proc")
@pytest.mark.parametrize("pause", [0.0, 0.05, 0.3])
def test_ctrl_c_twice_ends_it_and_its_workers(tmp_path, pause):
    process = start_preparing(tmp_path)
    for _ in range(2):
        os.killpg(process.pid, signal.SIGINT)
        time.sleep(pause)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130, errors
    assert "Traceback" not in errors
    deadline = time.monotonic() + 20
    while processes_of(process.pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert processes_of(process.pid) == []
