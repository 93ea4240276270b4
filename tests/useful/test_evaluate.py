import csv
import json

import numpy as np
import pytest

from keras_deid.errors import UserError
from keras_deid.field.photographs import find_photographs
from keras_deid.restoring.views import VIEWS
from keras_deid.useful import evaluate as module
from keras_deid.useful import face_network
from keras_deid.useful.csv_file import COLUMNS
from keras_deid.useful.evaluate import evaluate
from keras_deid.useful.pictures import SIDE


@pytest.fixture
def out(tmp_path):
    return tmp_path / "out"


class Remembers:
    """A detector that finds the mean brightness of what it learned from, wherever the test photographs have a face."""

    def __init__(self):
        self.trained = []

    def train(self, network, pictures, faces, seed):
        assert pictures.shape[1:] == (SIDE, SIDE, 3) and len(pictures) == len(faces)
        self.trained.append((seed, len(pictures), round(float(pictures.mean()), 3)))

    def detect(self, network, pictures):
        return [[(0.5, (0.0, 0.0, 10.0, 10.0))] for _ in pictures]


@pytest.fixture
def remembers(monkeypatch):
    one = Remembers()
    monkeypatch.setattr(module, "face_network", lambda: one)
    monkeypatch.setattr(module, "train_anew", one.train)
    monkeypatch.setattr(module, "detect", one.detect)
    return one


def run(scenes, out, subject, train=("a.png", "b.png", "wall.png"), test=("c.png", "d.png"), **settings):
    photographs = find_photographs(scenes.folder)
    parts = ({name: photographs[name] for name in names} for names in (train, test))
    return evaluate(
        *parts, out, subject, settings={"learn_from": "train"}, command="keras-deid useful", **{"seeds": 2, **settings}
    )


def test_a_small_measurement(scenes, subject, out, monkeypatch):
    for name, value in (("STEPS", 2), ("BATCH_SIZE", 2)):
        monkeypatch.setattr(face_network, name, value)
    steps = []
    content = run(scenes, out, subject("deface_mosaic10"), seeds=1, progress=lambda *step: steps.append(step))
    assert steps == [
        *((number, 5, "restoring") for number in range(1, 6)),
        *((number, 5, "training detectors") for number in range(1, 6)),
    ]
    assert json.loads((out / "useful.json").read_text()) == content
    assert content["train"] == {"photographs": 3, "faces": 2} and content["test"] == {"photographs": 2, "faces": 2}
    assert content["skipped"] == [] and content["seeds"] == 1
    (of_kind,) = content["kinds"].values()
    assert list(of_kind["sources"]) == ["original", "input", "bicubic", "inpainted", "restored"]
    assert all(0 <= numbers["ap"] <= 1 for numbers in of_kind["sources"].values())
    with open(out / "useful.csv", newline="") as file:
        lines = list(csv.DictReader(file))
    assert tuple(lines[0]) == COLUMNS and {(line["kind"], line["trained_on"]) for line in lines} == {
        ("", "original"),
        *(("deface_mosaic10", source) for source in ("input", "bicubic", "inpainted", "restored")),
    }
    assert {line["path"] for line in lines} == {"c.png", "d.png"}
    scores = [float(line["score"]) for line in lines if line["trained_on"] == "original"]
    assert scores == sorted(scores, reverse=True)
    text = (out / "useful.md").read_text()
    assert "1 face detector for each line, trained on 3 photographs with 2 faces" in text
    assert "tried on 2 original ones with 2." in text and "\n| deface mosaic, 10 px | hidden | " in text


def test_every_source_and_seed_is_trained(scenes, subject, out, remembers):
    run(scenes, out, subject("deface_solid", "gaussian"))
    assert [(seed, count) for seed, count, _ in remembers.trained] == [(0, 3), (1, 3)] * (1 + 3 + 3)
    original, solid, inpainted, restored, blurred, *_ = (mean for _, _, mean in remembers.trained[::2])
    # Black faces are darker than faces, and grey ones.
    assert solid == min(original, solid, inpainted, restored, blurred) < restored
    assert remembers.trained[::2] == [(0, count, mean) for _, count, mean in remembers.trained[1::2]]


def test_it_continues_where_it_stopped(scenes, subject, out, remembers):
    def stop_at(done, what):
        def progress(*step):
            if (step[0], step[2]) == (done, what):
                raise KeyboardInterrupt

        return progress

    first = subject("deface_solid")
    with pytest.raises(KeyboardInterrupt):
        run(scenes, out, first, progress=stop_at(1, "restoring"))
    assert first.model.seen == VIEWS and not (out / "useful.json").exists()
    second = subject("deface_solid")
    with pytest.raises(KeyboardInterrupt):
        run(scenes, out, second, progress=stop_at(3, "training detectors"))
    assert second.model.seen == VIEWS and len(remembers.trained) == 3
    third = subject("deface_solid")
    content = run(scenes, out, third)
    assert third.model.seen == 0 and len(remembers.trained) == 8
    assert run(scenes, out, subject("deface_solid")) == content and len(remembers.trained) == 8
    # More seeds: only these are trained.
    run(scenes, out, subject("deface_solid"), seeds=3)
    assert len(remembers.trained) == 12
    # And more kinds.
    run(scenes, out, subject("deface_solid", "gaussian"), seeds=3)
    assert len(remembers.trained) == 12 + 9
    # Another photograph to learn from is restored alone, and all detectors learn anew.
    more = subject("deface_solid")
    run(scenes, out, more, train=("a.png", "b.png", "wall.png", "d.png"), test=("c.png",))
    assert more.model.seen == VIEWS and len(remembers.trained) == 21 + 8


def test_a_lost_picture_is_made_again(scenes, subject, out, remembers):
    run(scenes, out, subject("deface_solid"))
    for picture in (out / ".useful.partial" / "pictures").iterdir():
        picture.unlink()
    again = subject("deface_solid")
    run(scenes, out, again)
    assert again.model.seen == 2 * VIEWS and len(remembers.trained) == 8  # the same pictures: nothing to learn anew


def test_photographs_that_cannot_be_read_are_told(scenes, subject, out, remembers):
    (scenes.folder / "broken.png").write_bytes(b"junk")
    content = run(scenes, out, subject("deface_solid"), train=("a.png", "broken.png"))
    assert content["train"]["photographs"] == 1
    assert [one["path"] for one in content["skipped"]] == ["broken.png"]
    assert "1 photograph could not be read." in (out / "useful.md").read_text()


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        ({"train": ("wall.png",)}, "no face of at least 16 pixels in the 1 photographs to learn from"),
        (
            {"test": ("wall.png",)},
            "no face of at least 8 pixels in the 1 photographs to try the detectors on, shrunk to 256 pixels",
        ),
    ],
)
def test_photographs_without_faces_are_one_line(scenes, subject, out, remembers, parts, said):
    with pytest.raises(UserError, match=said):
        run(scenes, out, subject("deface_solid"), **parts)
    assert remembers.trained == [] and not (out / "useful.json").exists()


def test_results_of_another_model_are_kept(scenes, subject, out, remembers):
    run(scenes, out, subject("deface_solid"))
    other = subject("deface_solid")
    other.model.identity = "2"
    with pytest.raises(UserError, match="holds the evaluation of other models or settings"):
        run(scenes, out, other)


def test_detections_are_matched_with_the_faces_of_the_test_photographs(scenes, subject, out, remembers, monkeypatch):
    def knows(network, pictures):
        # The second photograph's face, and one in the first that is not there.
        box = tuple(edge * SIDE / 128 for edge in scenes.boxes["d.png"])
        return [[(0.4, (0.0, 0.0, 10.0, 10.0))], [(0.8, box)]]

    monkeypatch.setattr(module, "detect", knows)
    content = run(scenes, out, subject("deface_solid"))
    (of_kind,) = content["kinds"].values()
    assert all(numbers["ap"] == pytest.approx(0.5) for numbers in of_kind["sources"].values())
    assert of_kind["lost"] == {"ap": 0.0, "interval": [0.0, 0.0]}
    assert np.isfinite([numbers["interval"] for numbers in of_kind["sources"].values()]).all()
    with open(out / "useful.csv", newline="") as file:
        lines = [line for line in csv.DictReader(file) if line["trained_on"] == "restored" and line["seed"] == "1"]
    assert [(line["path"], line["score"], line["correct"]) for line in lines] == [
        ("d.png", "0.8000", "1"),
        ("c.png", "0.4000", "0"),
    ]
    assert (
        "- deface solid: hiding costs nothing that can be distinguished from chance" in (out / "useful.md").read_text()
    )
