"""Prepared again, interrupted, side by side."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import cv2
import pytest
import skimage.data
from PIL import Image

from keras_deid.data.prepared import PreparedDataset
from keras_deid.errors import UserError
from keras_deid.preparation import prepare as job
from keras_deid.preparation.prepare import prepare

from .conftest import BOX, Photos, contents, draw, traces


def test_prepared_already(photos, out):
    first = photos.prepare(out)
    before = contents(out)
    calls = []
    again = photos.prepare(out, progress=lambda *counts: calls.append(counts))
    assert calls == [] and contents(out) == before and again.fingerprint == first.fingerprint


def test_prepared_by_the_first_version(photos, out):
    before = photos.prepare(out)
    path = out / "dataset.json"
    path.write_text(path.read_text().replace('"schema": 2', '"schema": 1').replace("_fraction", "_share"))
    path.write_text(path.read_text().replace(before.description["inputs"], "0" * 32))
    assert PreparedDataset.open(out).settings == before.settings
    with pytest.raises(UserError, match="out: was prepared by an earlier version; replace it with --overwrite"):
        photos.prepare(out)
    assert photos.prepare(out, overwrite=True).description == before.description


def test_whole_numbers_are_the_same_settings(photos, out):
    photos.prepare(out, context=2.0, min_face=24.0, val_fraction=0.0)
    photos.prepare(out, context=2, min_face=24, val_fraction=0)


def test_prepared_otherwise(photos, out):
    before = photos.prepare(out).fingerprint
    with pytest.raises(
        UserError, match="was prepared from other photographs or with other settings; replace it with --overwrite"
    ):
        photos.prepare(out, context=1.5)
    assert PreparedDataset.open(out).fingerprint == before
    assert photos.prepare(out, context=1.5, overwrite=True).fingerprint != before
    assert traces(out) == []


@pytest.mark.parametrize("change", ["photo", "mask", "boxes", "fewer", "more"])
def test_other_photographs_are_noticed(photos, out, change):
    photos.prepare(out)
    if change == "photo":
        Image.fromarray(draw(99)).save(photos.folder / "001.png")
    elif change == "mask":
        (photos.masks / "002.png").unlink()
    elif change == "boxes":
        photos.list_boxes({name: [(60, 30, 90, 71)] for name in photos.names})
    elif change == "fewer":
        (photos.folder / "001.png").unlink()
        photos.list_boxes({name: [BOX] for name in photos.names if name != "001.png"})
    else:
        Image.fromarray(draw(99)).save(photos.folder / "more.png")
    with pytest.raises(UserError, match="other photographs"):
        photos.prepare(out)


def test_the_same_bytes_whatever_the_number_of_workers(tmp_path):
    (tmp_path / "photos").mkdir()
    astronaut = skimage.data.astronaut()
    for number in range(20):
        side = 150 + 7 * number
        Image.fromarray(cv2.resize(astronaut, (side, side))).save(tmp_path / f"photos/{number}.jpg")
    for workers in (1, 2):
        prepare(tmp_path / "photos", tmp_path / f"{workers}", workers=workers)
    assert contents(tmp_path / "1") == contents(tmp_path / "2")


def test_progress(photos, out):
    calls = []
    photos.prepare(out, progress=lambda *counts: calls.append(counts))
    assert calls == [(done, 20, "preparing") for done in (0, 8, 16, 20)]


class Stop(Exception):
    pass


def stop_after(photographs):
    def progress(done, total, what):
        if done >= photographs:
            raise Stop

    return progress


def test_stopped_and_continued(photos, tmp_path, out):
    for _ in range(3):
        with pytest.raises(Stop):
            photos.prepare(out, progress=stop_after(10))
        assert not out.exists() and traces(out) == [".out.partial"]
    calls = []
    photos.prepare(out, progress=lambda *counts: calls.append(counts))
    assert calls == [(16, 20, "preparing"), (20, 20, "preparing")]
    photos.prepare(tmp_path / "at_once")
    assert contents(out) == contents(tmp_path / "at_once")
    assert traces(out) == []


def test_stopped_and_started_anew_with_other_settings(photos, tmp_path, out):
    with pytest.raises(Stop):
        photos.prepare(out, progress=stop_after(10))
    calls = []
    photos.prepare(out, context=1.5, progress=lambda *counts: calls.append(counts))
    assert calls[0] == (0, 20, "preparing")
    photos.prepare(tmp_path / "at_once", context=1.5)
    assert contents(out) == contents(tmp_path / "at_once")


def test_stopped_while_the_data_set_is_written(photos, tmp_path, out, monkeypatch):
    def write_half(folder, examples, description):
        (folder / "train-00000.tfrecord").write_bytes(b"half")
        (folder / "dataset.json").write_text("{}")
        raise Stop

    with monkeypatch.context() as patched:
        patched.setattr(job, "write_prepared", write_half)
        with pytest.raises(Stop):
            photos.prepare(out)
    assert not out.exists()
    photos.prepare(out)
    photos.prepare(tmp_path / "at_once")
    assert contents(out) == contents(tmp_path / "at_once")


def test_stopped_while_another_data_set_is_replaced(photos, out, monkeypatch):
    photos.prepare(out)

    def fail(path):
        raise Stop

    with monkeypatch.context() as patched:
        patched.setattr(shutil, "rmtree", lambda path, ignore_errors=False: None if ignore_errors else fail(path))
        with pytest.raises(Stop):
            photos.prepare(out, context=1.5, overwrite=True)
    assert PreparedDataset.open(out).settings["context"] == 1.5  # it was in place before the rest was cleared away
    assert photos.prepare(out, context=1.0, overwrite=True).settings["context"] == 1.0
    assert traces(out) == []


def test_two_at_once(photos, out):
    refusals = []

    def progress(done, total, what):
        if done == 8:
            with pytest.raises(UserError, match="out: is being prepared by another process"):
                photos.prepare(out)
            refusals.append(done)

    photos.prepare(out, progress=progress)
    assert refusals == [8]


PROGRAM = """
import multiprocessing, os, signal, sys
from keras_deid.preparation.prepare import prepare

def progress(done, total, what):
    if done >= 16:
        print(*(child.pid for child in multiprocessing.active_children()), flush=True)
        os.kill(os.getpid(), signal.SIGKILL)

if __name__ == "__main__":
    photos, out, boxes, masks, workers = sys.argv[1:]
    prepare(photos, out, boxes=boxes, masks=masks, size=32, workers=int(workers), progress=progress)
"""


def is_running(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="looks for processes in /proc")
@pytest.mark.parametrize("workers", [1, 2])
def test_killed_and_continued(tmp_path, out, workers):
    photos = Photos(tmp_path, 60)
    (tmp_path / "program.py").write_text(PROGRAM)
    arguments = [photos.folder, out, photos.boxes, photos.masks, workers]
    environment = {**os.environ, "PYTHONPATH": str(Path(job.__file__).parents[2])}
    killed = subprocess.run(
        [sys.executable, tmp_path / "program.py", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=120,
        env=environment,
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    children = [int(pid) for pid in killed.stdout.split()]
    assert len(children) == (2 if workers == 2 else 0)
    deadline = time.monotonic() + 20
    while any(map(is_running, children)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(map(is_running, children)), "workers outlive the process that started them"
    assert not out.exists() and traces(out) == [".out.partial"]

    calls = []
    photos.prepare(out, progress=lambda *counts: calls.append(counts))
    assert calls[0][0] >= 16
    photos.prepare(tmp_path / "at_once")
    assert contents(out) == contents(tmp_path / "at_once")


def test_a_worker_that_dies(tmp_path, out):
    photos = Photos(tmp_path, 60)
    program = PROGRAM.replace(
        "os.kill(os.getpid(), signal.SIGKILL)", "os.kill(multiprocessing.active_children()[0].pid, signal.SIGKILL)"
    )
    (tmp_path / "program.py").write_text(program)
    arguments = [photos.folder, out, photos.boxes, photos.masks, 2]
    ended = subprocess.run(
        [sys.executable, tmp_path / "program.py", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "PYTHONPATH": str(Path(job.__file__).parents[2])},
    )
    assert "UserError: a worker process ended unexpectedly" in ended.stderr
    assert not out.exists()


def test_what_a_kill_after_the_rename_left_is_removed(photos, out, monkeypatch):
    def stop(*arguments, **settings):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(job.shutil, "rmtree", lambda path, **settings: stop() if path.name == ".out.partial" else None)
        photos.prepare(out)
    assert traces(out) == [".out.partial"]
    before = contents(out)
    photos.prepare(out)
    assert traces(out) == [] and contents(out) == before


def test_a_kill_between_the_renames_loses_neither_data_set(photos, out, monkeypatch):
    photos.prepare(out)
    before = contents(out)
    rename = Path.rename

    def stop(path, target):
        if path.name == "finished":
            raise KeyboardInterrupt
        return rename(path, target)

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(Path, "rename", stop)
        photos.prepare(out, context=1.5, overwrite=True)
    assert not out.exists()
    photos.prepare(out)  # the old settings: it is there
    assert contents(out) == before and traces(out) == []


def test_chunks_that_are_removed_meanwhile_are_said(photos, out):
    def remove(done, total, what):
        if done == total:
            next(out.parent.glob(".out.partial/chunk-*")).unlink()

    with pytest.raises(UserError, match="were removed meanwhile; run the same command again"):
        photos.prepare(out, progress=remove)
    assert not out.exists()
    assert len(photos.prepare(out).description["splits"]) == 3


def test_only_a_data_set_is_replaced(photos, out):
    photos.prepare(out)
    (out / "notes.txt").write_text("precious")
    with pytest.raises(UserError, match=r"notes\.txt: is no part of the data set that would be replaced"):
        photos.prepare(out, context=1.5, overwrite=True)
    (out / "notes.txt").unlink()
    shutil.copytree(photos.folder, out / "photos")
    with pytest.raises(UserError, match="holds the photographs"):
        prepare(out / "photos", out, boxes=photos.boxes, masks=photos.masks, overwrite=True)
    assert (out / "photos" / "001.png").is_file()


def test_ctrl_c_while_workers_start_is_not_lost():
    program = """
import os, signal
from keras_deid.preparation.workers import _without_interrupts
try:
    with _without_interrupts():
        os.kill(os.getpid(), signal.SIGINT)
        pass
    print("lost")
except KeyboardInterrupt:
    print("heard")
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "heard\n"
