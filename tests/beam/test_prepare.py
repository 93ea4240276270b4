"""A preparation on Beam gives what the local one gives."""

import json
import os

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("apache_beam", reason="needs the extra beam")

from keras_deid.beam import prepare as job
from keras_deid.beam.prepare import prepare_on_beam
from keras_deid.cli.prepare import main
from keras_deid.data.prepared import PreparedDataset
from keras_deid.errors import UserError
from tests.preparation.conftest import BOX, Photos, draw, examples_of, skipped

from .conftest import files_of


@pytest.fixture
def photos(tmp_path):
    return Photos(tmp_path, 20)


def on_beam(photos, out, **settings):
    defaults = {"boxes": str(photos.boxes), "masks": str(photos.masks), "size": 32, "runner": "DirectRunner"}
    prepare_on_beam(str(photos.folder), str(out), **{**defaults, **settings})
    return PreparedDataset.open(out)


def assert_alike(first, second):
    """The same examples, in whatever order."""
    assert first.fingerprint == second.fingerprint
    ours, theirs = examples_of(first), examples_of(second)
    assert ours.keys() == theirs.keys()
    for name, example in ours.items():
        for key, value in example.items():
            assert np.array_equal(value, theirs[name][key]), (name, key)


def test_the_same_as_locally(photos, tmp_path):
    (photos.folder / "broken.jpg").write_bytes(b"no picture")
    (photos.folder / "tiny [1].png").write_bytes((photos.folder / "001.png").read_bytes())
    (photos.folder / ".hidden.png").write_bytes(b"")
    photos.list_boxes({**{name: [BOX] for name in photos.names}, "tiny [1].png": [(1, 1, 5, 5)], "001.png": []})
    local, ours = photos.prepare(tmp_path / "local"), on_beam(photos, tmp_path / "beam")
    assert_alike(local, ours)
    assert skipped(tmp_path / "beam") == skipped(tmp_path / "local")
    different = {"splits", "inputs", "manifest"}
    assert {key: value for key, value in ours.description.items() if key not in different} == {
        key: value for key, value in local.description.items() if key not in different
    }
    for split, counts in local.description["splits"].items():
        found = ours.description["splits"][split]
        assert {**found, "shards": 0} == {**counts, "shards": 0}
        assert sum(shard["examples"] for shard in found["shards"]) == counts["examples"]
    assert Image.open(tmp_path / "beam/contact_sheet.png").size == Image.open(tmp_path / "local/contact_sheet.png").size
    assert not (tmp_path / "beam/.partial").exists()


def test_detected_faces_and_whole_photographs(tmp_path):
    import skimage.data

    (tmp_path / "photos").mkdir()
    for number, side in enumerate((300, 400)):
        Image.fromarray(skimage.data.astronaut()).resize((side, side)).save(tmp_path / f"photos/{number}.jpg")
    from keras_deid.preparation.prepare import prepare

    local = prepare(tmp_path / "photos", tmp_path / "local", region="photo", size=64, workers=1)
    prepare_on_beam(str(tmp_path / "photos"), str(tmp_path / "beam"), runner="DirectRunner", region="photo", size=64)
    assert_alike(local, PreparedDataset.open(tmp_path / "beam"))


def test_the_manifest_lists_every_photograph(photos, tmp_path):
    photos.list_boxes({name: [BOX] for name in photos.names[1:]})
    dataset = on_beam(photos, tmp_path / "beam")
    lines = [
        json.loads(line)
        for name in dataset.description["manifest"]
        for line in (tmp_path / "beam" / name).read_text().splitlines()[1:]
    ]
    assert sorted(line["path"] for line in lines) == sorted(photos.names)
    assert [line for line in lines if "skipped" in line] == [{"path": photos.names[0], "skipped": "no face listed"}]
    assert sum(len(line.get("examples", ())) for line in lines) == sum(dataset.counts.values()) == 19


def test_object_stores(photos, tmp_path, bucket):
    local = photos.prepare(tmp_path / "local")
    places = [bucket(folder, folder.name) for folder in (photos.folder, photos.masks)]
    (tmp_path / "csv").mkdir()
    photos.boxes.rename(tmp_path / "csv/boxes.csv")
    boxes = bucket(tmp_path / "csv", "csv") + "/boxes.csv"
    dataset = prepare_on_beam(places[0], "bucket://b/out", runner="DirectRunner", boxes=boxes, masks=places[1], size=32)
    assert dataset.fingerprint == local.fingerprint
    assert_alike(local, PreparedDataset.open(tmp_path / "bucket/b/out"))
    assert not [name for name in files_of(tmp_path / "bucket/b/out") if ".partial" in name]


def counters_of(monkeypatch):
    """Returns a list that gets the counters of each pipeline that runs."""
    seen = []
    run = job.run

    def running(build, options):
        seen.append(run(build, options))

    monkeypatch.setattr(job, "run", running)
    return seen


def test_counters(photos, tmp_path, monkeypatch):
    seen = counters_of(monkeypatch)
    photos.list_boxes({name: [BOX] for name in photos.names[1:]})
    on_beam(photos, tmp_path / "out")
    assert seen == [{"photographs": 20, "examples": 19, "skipped": 1}]


def test_again(photos, tmp_path, monkeypatch):
    seen = counters_of(monkeypatch)
    on_beam(photos, tmp_path / "out")
    before = files_of(tmp_path / "out")
    on_beam(photos, tmp_path / "out")
    assert files_of(tmp_path / "out") == before
    assert seen[1] == {"shards kept": 4}


def test_interrupted_and_run_again(photos, tmp_path, monkeypatch):
    whole = files_of(on_beam(photos, tmp_path / "whole").folder)
    made = []

    class Killed(Exception):
        pass

    def dying(out, shard, lines):
        if len(made) == 2:
            raise Killed
        made.append(shard)
        write(out, shard, lines)

    from keras_deid.beam import prepare_shard

    write = prepare_shard.write_manifest
    with monkeypatch.context() as patched:
        patched.setattr(prepare_shard, "write_manifest", dying)
        with pytest.raises(Exception, match="Killed"):
            on_beam(photos, tmp_path / "out")
    assert not (tmp_path / "out/dataset.json").exists()
    with pytest.raises(UserError, match="has no dataset.json"):
        PreparedDataset.open(tmp_path / "out")
    (tmp_path / "out/.partial/123").mkdir(parents=True)
    seen = counters_of(monkeypatch)
    on_beam(photos, tmp_path / "out")
    assert files_of(tmp_path / "out") == whole
    assert seen[0]["shards kept"] == 2 and seen[0]["photographs"] < 20


def test_other_work_is_refused_and_overwritten(photos, tmp_path):
    before = on_beam(photos, tmp_path / "out").fingerprint
    Image.fromarray(draw(99)).save(photos.folder / "more.png")
    for changed in ({}, {"context": 1.5}):
        with pytest.raises(UserError, match="was prepared from other photographs or with other settings"):
            on_beam(photos, tmp_path / "out", **changed)
        assert PreparedDataset.open(tmp_path / "out").fingerprint == before
    for number in range(5):  # now there are five shards, not four
        Image.fromarray(draw(number)).save(photos.folder / f"more{number}.png")
    on_beam(photos, tmp_path / "out", context=1.5, overwrite=True)
    assert_alike(photos.prepare(tmp_path / "local", context=1.5), PreparedDataset.open(tmp_path / "out"))
    assert not [name for name in files_of(tmp_path / "out") if "of-00004" in name]


def test_a_new_version_leaves_what_is_complete(photos, tmp_path, monkeypatch):
    from keras_deid.beam import prepare_shard

    before = files_of(on_beam(photos, tmp_path / "out").folder)
    monkeypatch.setattr(prepare_shard, "versions", lambda: {"keras-deid": "9.9"})
    seen = counters_of(monkeypatch)
    on_beam(photos, tmp_path / "out")
    assert files_of(tmp_path / "out") == before
    (tmp_path / "out/dataset.json").unlink()  # what is not complete is made anew
    on_beam(photos, tmp_path / "out")
    assert [counters.get("shards kept") for counters in seen] == [4, None]


def test_an_old_refusal_is_forgotten(photos, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out/refused.txt").write_text("something was wrong")
    on_beam(photos, tmp_path / "out")
    assert not (tmp_path / "out/refused.txt").exists()


def test_a_local_data_set_is_not_continued(photos, tmp_path):
    photos.prepare(tmp_path / "out")
    with pytest.raises(UserError, match="out: was prepared from other photographs"):
        on_beam(photos, tmp_path / "out")


@pytest.mark.parametrize(
    ("boxes", "message"),
    [
        ("path,x0,y0,x1\n", r"boxes.csv:1: expected the columns"),
        ("path,x0,y0,x1,y1\n001.png,1,1,1,5\n", r"boxes.csv:2: expected x0 < x1"),
        ("path,x0,y0,x1,y1\nnobody.png,1,1,4,5\n", r"boxes.csv:2: there is no photograph nobody.png"),
        ("path,x0,y0,x1,y1\n001.png,1,1,4,5\n", r"none of the 20 photographs gives an example: 19 x no face listed"),
    ],
)
def test_bad_boxes(photos, tmp_path, boxes, message):
    photos.boxes.write_text(boxes)
    with pytest.raises(UserError, match=message):
        on_beam(photos, tmp_path / "out")
    assert not {"dataset.json", "refused.txt"} & files_of(tmp_path / "out").keys()


def test_boxes_beyond_the_photograph(photos, tmp_path, monkeypatch, caplog):
    seen = counters_of(monkeypatch)
    photos.list_boxes({"001.png": [(60, 30, 90, 500)], "002.png": [(900, 900, 950, 950), BOX], " 004.png ": [BOX]})
    assert_alike(photos.prepare(tmp_path / "local"), on_beam(photos, tmp_path / "beam"))
    assert seen[0]["boxes outside"] == 1 and seen[0]["examples"] == 3
    assert "boxes.csv:3: the box 900,900,950,950 lies outside of 002.png" in caplog.text


def test_bad_folders(photos, tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/letter.txt").write_text("dear")
    with pytest.raises(UserError, match="photos/out: lies in the folder of photographs"):
        on_beam(photos, photos.folder / "out")
    with pytest.raises(UserError, match="mine: is not a prepared data set; choose another folder"):
        on_beam(photos, tmp_path / "mine")
    with pytest.raises(UserError, match="boxes.csv: does not exist; give --boxes"):
        on_beam(photos, tmp_path / "out", boxes=str(tmp_path / "none/boxes.csv"))
    (tmp_path / "empty/x.png").write_bytes((photos.masks / "002.png").read_bytes())
    with pytest.raises(UserError, match="empty: no mask has the name of a photograph; expected for instance 001.png"):
        on_beam(photos, tmp_path / "out", masks=str(tmp_path / "empty"))
    with pytest.raises(UserError, match="nowhere: no such folder, or no picture in it; looked for .jpg"):
        prepare_on_beam(str(tmp_path / "nowhere"), str(tmp_path / "out2"), runner="DirectRunner")
    with pytest.raises(UserError, match="size: "):
        on_beam(photos, tmp_path / "out", size=3)


def test_names_that_are_no_text(photos, tmp_path):
    (photos.folder / "001.png").rename(photos.folder / os.fsdecode(b"\xe9.png"))
    photos.list_boxes({name: [BOX] for name in photos.names if name != "001.png"})
    on_beam(photos, tmp_path / "out")
    assert b"\xe9.png,no face listed" in (tmp_path / "out/skipped.csv").read_bytes()


def test_an_unknown_runner(photos, tmp_path):
    with pytest.raises(UserError, match="--runner: Unexpected pipeline runner: Nothing"):
        on_beam(photos, tmp_path / "out", runner="Nothing")


def test_the_command(photos, tmp_path, capfd):
    words = [str(photos.folder), "--out", str(tmp_path / "out"), "--boxes", str(photos.boxes), "--size", "32"]
    assert main([*words, "--runner", "DirectRunner", "--", "--direct_num_workers=1"]) == 0
    dataset = PreparedDataset.open(tmp_path / "out")
    assert capfd.readouterr().out.splitlines()[0].endswith(f"(fingerprint {dataset.fingerprint})")
    photos.boxes.write_text("path\n")
    assert main([*words, "--overwrite", "--runner", "DirectRunner"]) == 2
    assert "error: " in capfd.readouterr().err
    assert main([*words, "--runner", "DirectRunner", "--workers", "2"]) == 2
    assert "--workers cannot be given with --runner" in capfd.readouterr().err


@pytest.mark.slow
def test_several_processes(photos, tmp_path):
    local = photos.prepare(tmp_path / "local")
    options = ["--direct_num_workers=2", "--direct_running_mode=multi_processing"]
    assert_alike(local, on_beam(photos, tmp_path / "beam", options=options))
