import json

import numpy as np
import pytest

from keras_deid.comparison.runs import check_same_data, read_run
from keras_deid.errors import UserError


def never(run, config):
    raise AssertionError("has its evaluation already")


@pytest.fixture
def read(write_run, tmp_path):
    def read(name, **settings):
        config = write_run(tmp_path / name, **settings)
        return read_run(name, tmp_path / name, config, never)

    return read


def change(path, *keys, value):
    values = json.loads(path.read_text())
    part = values
    for key in keys[:-1]:
        part = part[key]
    part[keys[-1]] = value
    path.write_text(json.dumps(values))


def test_a_run_is_read(read):
    run = read("one")
    assert (run.images_seen, run.minutes) == (4 * 2, 2.0)
    assert run.paths[:2] == ("0.jpg", "1.jpg")
    assert list(run.scores) == ["original", "input", "bicubic", "restored"]
    assert run.mean("restored", "psnr_mask") == pytest.approx(run.scores["restored"]["psnr_mask"].mean())
    assert np.isnan(run.scores["original"]["psnr_mask"]).all()
    assert set(run.scores["restored"]) == {"psnr_mask", "ssim_mask", "faces_found"}
    assert run.mean("restored", "fid") is None
    assert run.history[1] == {"epoch": 2, "step": 4, "seconds": 60, "val_psnr_mask": 21.5}


@pytest.mark.parametrize("missing", ["evaluation.json", "evaluation.csv"])
def test_a_run_without_its_scores_is_evaluated(write_run, tmp_path, missing):
    config = write_run(tmp_path / "one")
    write_run(tmp_path / "fresh")
    (tmp_path / "one" / missing).unlink()
    asked = []

    def evaluate(run, config):
        asked.append((run, config))
        return tmp_path / "fresh" / "evaluation.json"

    assert len(read_run("one", tmp_path / "one", config, evaluate).paths) == 24
    assert asked == [(tmp_path / "one", config)]


def test_a_run_whose_scores_are_of_another_split_is_evaluated(write_run, tmp_path):
    config = write_run(tmp_path / "one")
    write_run(tmp_path / "fresh")
    change(tmp_path / "one" / "evaluation.json", "split", value="val")
    run = read_run("one", tmp_path / "one", config, lambda run, config: tmp_path / "fresh" / "evaluation.json")
    assert run.evaluation["split"] == "test"


@pytest.mark.parametrize(
    ("file", "text", "message"),
    [
        ("evaluation.json", '{"split": "test"}', "has schema 1, this version reads schema 2; evaluate the run again"),
        ("summary.json", "{", "summary.json: is not readable as JSON"),
        ("summary.json", "[]", "summary.json: expected an object, received list"),
        ("evaluation.csv", "", "evaluation.csv: is not readable as scores"),
        ("evaluation.csv", "path,source,psnr\na,restored,much\n", "evaluation.csv: is not readable as scores"),
        ("evaluation.csv", "path,source,psnr\na,input,1\n", "has no scores of restored pictures"),
        ("history.csv", "epoch\nfirst\n", "history.csv: is not readable as a history"),
    ],
)
def test_a_damaged_file_is_one_line(write_run, tmp_path, file, text, message):
    config = write_run(tmp_path / "one")
    (tmp_path / "one" / file).write_text(text)
    with pytest.raises(UserError, match=message):
        read_run("one", tmp_path / "one", config, never)


@pytest.mark.parametrize(
    ("keys", "value", "message"),
    [
        (["images"], 23, "images is 23 and 24"),
        (["data", "source"], "prepared", "data.source is 'prepared' and 'synthetic'"),
        (["settings", "deidentify", "block_size"], 0.5, "settings.deidentify is"),
        (["settings", "faces_found", "iou"], 0.4, "settings.faces_found is"),
    ],
)
def test_runs_on_different_data_are_not_compared(read, keys, value, message):
    one, other = read("one"), read("other")
    part = other.evaluation
    for key in keys[:-1]:
        part = part[key]
    part[keys[-1]] = value
    with pytest.raises(UserError, match=f"other and .*one were evaluated on different data \\({message}"):
        check_same_data([one, one, other])


def test_the_pictures_themselves_are_compared(read, tmp_path):
    one, other = read("one"), read("other")
    file = tmp_path / "other" / "evaluation.csv"
    file.write_text(file.read_text().replace("5.jpg", "55.jpg"))
    other = read_run("other", other.folder, other.config, never)
    with pytest.raises(UserError, match="different data \\(the pictures in evaluation.csv\\)"):
        check_same_data([one, other])


def test_prepared_data_are_known_by_their_fingerprint(read):
    one, other = read("one"), read("other")
    for run, path in ((one, "here"), (other, "there")):
        run.evaluation["data"] |= {"source": "prepared", "path": path, "fingerprint": "abc"}
    check_same_data([one, other])
    other.evaluation["data"]["fingerprint"] = "abd"
    with pytest.raises(UserError, match="data.fingerprint"):
        check_same_data([one, other])


def test_what_only_one_evaluation_tells_is_no_difference(read):
    one, other = read("one"), read("other")
    other.evaluation["settings"]["lpips"] = {"network": "alex"}
    check_same_data([one, other])
