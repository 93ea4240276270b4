"""Restoring on Beam gives what the local command gives."""

import csv
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("apache_beam", reason="needs the extra beam")

from keras_deid.beam import restore as job
from keras_deid.beam.restore import Done, restore_on_beam
from keras_deid.cli.restore import main
from keras_deid.errors import UserError
from keras_deid.restoring.choice import Choice
from keras_deid.restoring.region_sources import Listed
from keras_deid.restoring.restore import restore_folder
from keras_deid.restoring.runtime import TENSORFLOW
from tests.restoring.conftest import SIZE, Negative, random_picture
from tests.restoring.synthetic_videos import make_video, plain

from .conftest import files_of

NOTES = ("manifest", "skipped.csv")
ROOT = Path(__file__).parents[2]


class Named(Negative):
    """Is opened by a name, as workers do it."""

    def __init__(self, folder, runtime=None):
        super().__init__()
        self.identity = str(folder)


@pytest.fixture(autouse=True)
def negative(monkeypatch):
    monkeypatch.setattr("keras_deid.restoring.model.LocalModel", Named)


CHOICE = Choice(model="negative")


@pytest.fixture
def folder(tmp_path):
    """Pictures of all formats in two folders, a video, a broken picture and what is no picture."""
    source = tmp_path / "in"
    (source / "sub").mkdir(parents=True)
    for number in range(12):
        suffix = ("png", "jpg", "bmp", "gif")[number % 4]
        place = source / ("sub" if number % 2 else ".") / f"{number:02d}.{suffix}"
        Image.fromarray(random_picture(number, (60, 80))).save(place)
    make_video(source / "film.mp4", plain(3))
    (source / "broken.png").write_bytes(b"junk")
    (source / "notes.txt").write_text("no picture")
    return source


@pytest.fixture
def boxes(folder):
    path = folder.with_name("boxes.csv")
    rows = [f"{name},,10,20,30,40" for name in ("00.png", "sub/01.jpg", "04.png", "08.png", "sub/03.gif", "02.bmp")]
    path.write_text("\n".join(["path,frame,x0,y0,x1,y1", *rows, "film.mp4,1,4,4,20,20"]) + "\n")
    return path


def on_beam(source, out, **settings):
    return restore_on_beam(str(source), str(out), **{"choice": CHOICE, "runner": "DirectRunner", **settings})


def outputs(folder):
    return {name: content for name, content in files_of(folder).items() if not name.startswith(NOTES)}


def manifest_lines(out):
    lines = [json.loads(line) for path in (out / "manifest").iterdir() for line in path.read_text().splitlines()]
    return {line["path"]: line for line in lines if "path" in line}


def assert_alike(out, local):
    """The same bytes, and the same said about each of them."""
    assert outputs(out) == outputs(local)
    ours = manifest_lines(out)
    for record in json.loads((local / "manifest.json").read_text())["files"]:
        line = ours[record["path"]]
        assert {**line, "source": 0} == {**record, "source": 0}
        assert line["source"]["bytes"] == record["source"]["bytes"]


def test_the_same_as_locally(folder, boxes, tmp_path):
    report = restore_folder(folder, tmp_path / "local", Named("negative"), Listed(boxes))
    done = on_beam(folder, tmp_path / "out", boxes=str(boxes))
    assert done == Done(report.restored, report.copied, 1, []) == Done(7, 6, 1, [])
    assert_alike(tmp_path / "out", tmp_path / "local")
    with open(tmp_path / "out/skipped.csv", newline="") as file:
        assert list(csv.reader(file)) == [
            ["path", "reason"],
            ["broken.png", "broken image: not a picture of a known kind"],
        ]
    manifest = json.loads((tmp_path / "out/manifest.json").read_text())
    local = json.loads((tmp_path / "local/manifest.json").read_text())
    assert manifest["settings"] == local["settings"] and manifest["synthetic"] is True
    assert sorted(manifest["manifest"]) == sorted(
        f"manifest/{path.name}" for path in (tmp_path / "out/manifest").iterdir()
    )


def test_whole_pictures(tmp_path):
    (tmp_path / "in").mkdir()
    for number in range(5):
        Image.fromarray(random_picture(number, SIZE)).save(tmp_path / f"in/{number}.png")
    restore_folder(tmp_path / "in", tmp_path / "local", Named("negative"), None)
    on_beam(tmp_path / "in", tmp_path / "out", whole=True)
    assert_alike(tmp_path / "out", tmp_path / "local")


def test_object_stores(folder, boxes, tmp_path, bucket):
    restore_folder(folder, tmp_path / "local", Named("negative"), Listed(boxes))
    (tmp_path / "csv").mkdir()
    boxes.rename(tmp_path / "csv/boxes.csv")
    url = bucket(tmp_path / "csv", "csv") + "/boxes.csv"
    on_beam(bucket(folder, "in"), "bucket://b/out", boxes=url)
    assert_alike(tmp_path / "bucket/b/out", tmp_path / "local")
    assert not [name for name in files_of(tmp_path / "bucket/b/out") if ".partial" in name]


def counters_of(monkeypatch):
    seen = []
    run = job.run

    def running(build, options):
        seen.append(run(build, options))

    monkeypatch.setattr(job, "run", running)
    return seen


def test_again_and_after_changes(folder, boxes, tmp_path, monkeypatch):
    seen = counters_of(monkeypatch)
    on_beam(folder, tmp_path / "out", boxes=str(boxes))
    assert seen[0] == {"restored": 7, "copied": 6, "skipped": 1}
    before = files_of(tmp_path / "out")
    on_beam(folder, tmp_path / "out", boxes=str(boxes))
    assert files_of(tmp_path / "out") == before and seen[1] == {"shards kept": 3}
    Image.fromarray(random_picture(99, (60, 80))).save(folder / "00.png")
    for number in range(2):  # four shards instead of three
        Image.fromarray(random_picture(number, (60, 80))).save(folder / f"new{number}.png")
    on_beam(folder, tmp_path / "out", boxes=str(boxes))
    restore_folder(folder, tmp_path / "local", Named("negative"), Listed(boxes))
    assert_alike(tmp_path / "out", tmp_path / "local")
    assert len(list((tmp_path / "out/manifest").iterdir())) == 4


def test_interrupted_and_run_again(folder, boxes, tmp_path, monkeypatch):
    from keras_deid.beam import restore_shard

    write, made = restore_shard.write_manifest, []

    def dying(out, shard, lines):
        if made:
            raise KeyError("killed")
        made.append(shard)
        write(out, shard, lines)

    with monkeypatch.context() as patched:
        patched.setattr(restore_shard, "write_manifest", dying)
        with pytest.raises(Exception, match="killed"):
            on_beam(folder, tmp_path / "out", boxes=str(boxes))
    assert not (tmp_path / "out/manifest.json").exists()
    seen = counters_of(monkeypatch)
    on_beam(folder, tmp_path / "out", boxes=str(boxes))
    assert seen[0]["shards kept"] == 1
    restore_folder(folder, tmp_path / "local", Named("negative"), Listed(boxes))
    assert_alike(tmp_path / "out", tmp_path / "local")


def test_another_model_needs_another_folder(folder, boxes, tmp_path):
    on_beam(folder, tmp_path / "out", boxes=str(boxes))
    before = files_of(tmp_path / "out")
    with pytest.raises(UserError, match="out: holds pictures of another model or other boxes; choose another"):
        on_beam(folder, tmp_path / "out", boxes=str(boxes), choice=Choice(model="other"))
    assert files_of(tmp_path / "out") == before
    restore_folder(folder, tmp_path / "local", Named("negative"), Listed(boxes))
    with pytest.raises(UserError, match="local: holds files that were not restored here"):
        on_beam(folder, tmp_path / "local", boxes=str(boxes))
    with pytest.raises(UserError, match="is not a manifest of restored pictures"):
        restore_folder(folder, tmp_path / "out", Named("negative"), Listed(boxes))


def test_nothing_else_is_replaced(folder, boxes, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out/00.png").write_bytes(b"mine")
    with pytest.raises(UserError, match="out: holds files that were not restored here"):
        on_beam(folder, tmp_path / "out", boxes=str(boxes))
    assert files_of(tmp_path / "out") == {"00.png": b"mine"}
    on_beam(folder, tmp_path / "out", boxes=str(boxes), overwrite=True)
    on_beam(folder, tmp_path / "out", boxes=str(boxes), overwrite=True, choice=Choice(model="other"))
    restore_folder(folder, tmp_path / "local", Named("other"), Listed(boxes))
    assert_alike(tmp_path / "out", tmp_path / "local")


def test_words_are_left_out(tmp_path):
    (tmp_path / "in").mkdir()
    exif = Image.Exif()
    exif[0x010E] = "a street"
    Image.fromarray(random_picture(0, (60, 80))).save(tmp_path / "in/a.jpg", exif=exif)
    (tmp_path / "boxes.csv").write_text("path,x0,y0,x1,y1\na.jpg,10,20,30,40\n")
    restore_folder(tmp_path / "in", tmp_path / "local", Named("x"), Listed(tmp_path / "boxes.csv"), keep_words=False)
    for keep_words, out in ((True, "kept"), (False, "left_out")):
        settings = {"boxes": str(tmp_path / "boxes.csv"), "choice": Choice(model="x"), "keep_words": keep_words}
        on_beam(tmp_path / "in", tmp_path / out, **settings)
    assert_alike(tmp_path / "left_out", tmp_path / "local")
    assert b"a street" in (tmp_path / "kept/a.jpg").read_bytes()
    assert b"a street" not in (tmp_path / "left_out/a.jpg").read_bytes()


def test_complaints(folder, boxes, tmp_path):
    boxes.write_text("path,frame,x0,y0,x1,y1\n00.png,,900,900,910,910\n04.png,,10,20,30,40\nfilm.mp4,99,1,1,9,9\n")
    regions = Listed(boxes)
    restore_folder(folder, tmp_path / "local", Named("negative"), regions)
    for _ in range(2):  # of shards that are kept, too
        done = on_beam(folder, tmp_path / "out", boxes=str(boxes))
        assert sorted(done.complaints) == sorted(regions.complaints) and len(done.complaints) == 2
    assert_alike(tmp_path / "out", tmp_path / "local")


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("path,x0,y0,x1\n", r"boxes.csv:1: expected the columns"),
        ("path,x0,y0,x1,y1\nnobody.png,1,1,4,5\n", r"boxes.csv:2: there is no file nobody.png"),
        ("path,frame,x0,y0,x1,y1\n00.png,3,1,1,4,5\n", r"boxes.csv:2: 00.png is a picture and has no frames"),
    ],
)
def test_bad_boxes(folder, boxes, tmp_path, rows, message):
    boxes.write_text(rows)
    with pytest.raises(UserError, match=message):
        on_beam(folder, tmp_path / "out", boxes=str(boxes))
    assert not {"manifest.json", "refused.txt"} & files_of(tmp_path / "out").keys()


def test_bad_folders(folder, tmp_path):
    with pytest.raises(UserError, match="in/out: lies in the folder of pictures"):
        on_beam(folder, folder / "out")
    with pytest.raises(UserError, match="nowhere: no such folder, or no picture in it"):
        on_beam(tmp_path / "nowhere", tmp_path / "out", whole=True)
    with pytest.raises(UserError, match="none.csv: does not exist; give --boxes"):
        on_beam(folder, tmp_path / "out", boxes=str(tmp_path / "none.csv"))


def test_the_command(folder, boxes, tmp_path, capfd):
    words = [str(folder), str(tmp_path / "out"), "--model", "negative", "--boxes", str(boxes)]
    assert main([*words, "--runner", "DirectRunner", "--", "--direct_num_workers=1"]) == 1
    assert f"restored: 7 files, 6 copied (nothing found), 1 skipped; see {tmp_path}/out" in capfd.readouterr().out
    assert main([str(folder), "--find", "x.csv", "--runner", "DirectRunner"]) == 2
    assert "--find cannot be given with --runner" in capfd.readouterr().err
    assert main([*words, "--", "--project=x"]) == 2
    assert "options of Beam need --runner" in capfd.readouterr().err


def shipped(folder):
    """A folder of pictures with hidden faces, and without."""
    folder.mkdir()
    shutil.copy(ROOT / "docs/sample.png", folder / "a.png")
    with Image.open(ROOT / "docs/sample.png") as picture:
        picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT).convert("RGB").save(folder / "b.jpg")
    Image.fromarray(np.full((64, 64, 3), 90, np.uint8)).save(folder / "plain.png")
    return folder


def test_the_shipped_model_and_locator(tmp_path):
    from keras_deid.restoring.run_model import RunModel

    source = shipped(tmp_path / "in")
    model = RunModel("street64_any")
    restore_folder(source, tmp_path / "local", model, Choice().open_locator(model, TENSORFLOW))
    on_beam(source, tmp_path / "out", choice=Choice(runtime="tensorflow"))
    assert_alike(tmp_path / "out", tmp_path / "local")
    assert (tmp_path / "out/a.png").read_bytes() != (source / "a.png").read_bytes()


@pytest.mark.slow
def test_several_processes(tmp_path):
    source = shipped(tmp_path / "in")
    options = ["--direct_num_workers=2", "--direct_running_mode=multi_processing"]
    on_beam(source, tmp_path / "one", choice=Choice())
    on_beam(source, tmp_path / "two", choice=Choice(), options=options)
    assert outputs(tmp_path / "one") == outputs(tmp_path / "two")
