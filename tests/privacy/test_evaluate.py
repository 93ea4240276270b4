import csv
import json

import pytest

from keras_deid.errors import UserError
from keras_deid.field.photographs import find_photographs
from keras_deid.privacy.csv_file import COLUMNS
from keras_deid.privacy.evaluate import evaluate
from keras_deid.privacy.measure import DEFAULT_KINDS, OFFERED
from keras_deid.restoring.views import VIEWS


@pytest.fixture
def out(tmp_path):
    return tmp_path / "out"


def run(people, out, subject, **settings):
    return evaluate(
        find_photographs(people.folder),
        out,
        subject,
        settings={"split": "all"},
        command="keras-deid privacy",
        **settings,
    )


def rates(content, kind, metric="rank1"):
    return {source: found[metric]["mean"] for source, found in content["results"]["colours"][kind]["sources"].items()}


def test_who_is_recognised(people, subject, out):
    content = run(people, out, subject("across_4", "deface_solid"))
    assert content["people"] == 3 and content["left_out"] == [] and content["skipped"] == []
    assert rates(content, "original") == {"original": 1.0}
    # The colour of a face is in its blocks; faces that all look alike are taken for the same one of three people.
    chance = pytest.approx(1 / 3)
    mosaic, solid = rates(content, "across_4"), rates(content, "deface_solid")
    assert mosaic == {"hidden": 1.0, "bicubic": 1.0, "restored": chance, "flat": chance, "stranger": chance}
    assert solid == {source: chance for source in ("hidden", "restored", "flat", "stranger")}
    assert all(rate == pytest.approx(0.5) for rate in rates(content, "deface_solid", "auc").values())
    added = content["results"]["colours"]["across_4"]["added"]["rank1"]
    across, solid = (content["results"]["colours"][kind] for kind in ("across_4", "deface_solid"))
    assert across["beyond_blocks"]["rank1"]["mean"] == added["mean"] and "beyond_blocks" not in solid
    assert added["mean"] == pytest.approx(-2 / 3) and added["high"] <= 0


def test_what_is_written(people, subject, out):
    content = run(people, out, subject("across_4"))
    assert json.loads((out / "privacy.json").read_text()) == content
    assert content["settings"]["embedders"] == {"colours": "1"} and content["settings"]["kinds"] == ["across_4"]
    with open(out / "privacy.csv", newline="") as file:
        lines = list(csv.DictReader(file))
    assert tuple(lines[0]) == COLUMNS and len(lines) == 3 * (1 + 5)
    hidden = [line for line in lines if line["source"] == "hidden"]
    assert [(line["path"], line["rank"], line["auc"]) for line in hidden] == [
        ("b.png", "1", "1"),
        ("c.png", "1", "1"),
        ("d.png", "1", "1"),
    ]
    text = (out / "privacy.md").read_text()
    assert "3 people, one photograph each." in text and "(chance: 33.3)" in text
    assert "## colours: verification: true accepts at 1% false accepts" in text
    assert "| mosaic, 4 blocks across the face | 100 (100 to 100) | 100 (100 to 100) | 0 (0 to 0) |" in text
    assert "Not hidden: 100 (100 to 100)." in text


def test_every_default_kind_exists():
    assert set(DEFAULT_KINDS) <= set(OFFERED)
    assert {OFFERED[kind].family for kind in DEFAULT_KINDS} == {"blur", "mosaic", "solid"}


def test_it_continues_where_it_stopped(people, subject, out):
    def stop(done, total, what):
        if done == 3:
            raise KeyboardInterrupt

    stopped = subject("across_4")
    with pytest.raises(KeyboardInterrupt):
        run(people, out, stopped, progress=stop)
    assert stopped.model.seen == VIEWS * 3 and not (out / "privacy.json").exists()
    again = subject("across_4")
    content = run(people, out, again)
    # The stranger is restored anew, as is the face that was left; nobody else is.
    assert again.model.seen == VIEWS * 2 and again.embedders[0].seen == 2 + 5
    assert run(people, out, subject("across_4")) == content
    more = subject("across_4", "gaussian")
    assert list(run(people, out, more)["kinds"]) == ["across_4", "gaussian"]
    assert more.model.seen == VIEWS * (2 + 3)


def test_another_stranger_is_put_into_all_faces_anew(people, subject, out):
    run(people, out, subject("across_4"))
    people.add("Z.png", (90, 120, 150))  # before a.png
    again = subject("across_4")
    assert run(people, out, again)["people"] == 4
    assert again.model.seen == VIEWS * (1 + 4)


def test_photographs_without_a_face_or_pixels_are_told(people, subject, out):
    people.add("e.png", (0, 0, 0))
    (people.folder / "f.png").write_bytes(b"junk")
    steps = []
    content = run(people, out, subject("across_4"), progress=lambda done, total, what: steps.append((done, total)))
    assert content["people"] == 3 and content["left_out"] == ["e.png"] and steps == [(n, 6) for n in range(7)]
    assert [one["path"] for one in content["skipped"]] == ["f.png"]
    text = (out / "privacy.md").read_text()
    assert "1 photographs were left out: no face that is large enough." in text
    assert "1 photographs were left out: they could not be read." in text


def test_too_few_people(people, subject, out):
    (people.folder / "c.png").unlink()
    (people.folder / "d.png").unlink()
    with pytest.raises(UserError, match="was found in 2 of 2 photographs; give photographs of at least 3 people"):
        run(people, out, subject("across_4"))
    assert not (out / "privacy.json").exists()


def test_results_of_another_model_are_kept(people, subject, out):
    run(people, out, subject("across_4"))
    other = subject("across_4")
    other.model.identity = "2"
    with pytest.raises(UserError, match="holds the evaluation of other models or settings"):
        run(people, out, other)
