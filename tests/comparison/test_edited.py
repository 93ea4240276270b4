"""Files of a run that somebody has edited: a comparison works with them, or says in one line what is wrong."""

import json
from pathlib import Path

import pytest

from keras_deid.comparison.blocks import evaluated_curves
from keras_deid.comparison.budget import budget_of
from keras_deid.comparison.cost import cost_words
from keras_deid.comparison.entries import Entry
from keras_deid.comparison.plan import PlannedRun, minutes_left
from keras_deid.comparison.runs import check_same_data, read_run
from keras_deid.comparison.table import make_table
from keras_deid.errors import UserError

from ..mutations import mutations

SHIPPED = Path(__file__).parents[2] / "saved_models" / "street64_any" / "run"
METRICS = ("psnr_mask", "faces_found")


def compared(folder, config):
    """What a comparison reads of a run, up to its table."""

    def evaluate(folder, config):
        raise UserError(f"{folder}: has to be evaluated")

    run = read_run("one", folder, config, evaluate)
    check_same_data([run, run])
    entry = Entry("one", (run,))
    return make_table([entry]), budget_of([run]), cost_words(entry.runs)


def check(call, *arguments):
    """Calls a function; a `UserError` has to be one line."""
    try:
        call(*arguments)
    except UserError as error:
        assert len(str(error).splitlines()) == 1
        return str(error)
    return None


def shortened(content):
    """An evaluation with fewer metrics and no groups: what is left has every kind of value."""
    if isinstance(content, dict) and "psnr_mask" in content:
        return {name: content[name] for name in METRICS}
    if isinstance(content, dict):
        return {key: shortened(value) for key, value in content.items() if key != "groups"}
    return content


@pytest.fixture
def run(tmp_path, write_run):
    """The folder of a run with the evaluation and the summary of a real one, and its configuration."""
    config = write_run(tmp_path / "run")
    for name in ("evaluation.json", "summary.json"):
        content = shortened(json.loads((SHIPPED / name).read_text()))
        (tmp_path / "run" / name).write_text(json.dumps({**content, "metrics": {}}))
    return tmp_path / "run", config


def test_evaluation(run):
    folder, config = run
    path = folder / "evaluation.json"
    content = json.loads(path.read_text())
    content["restored"]["fid"] = 20.5  # of the set of pictures as a whole: read from here alone
    content["intervals"]["restored"]["fid"] = None
    said = {}
    for name, mutated in mutations(content):
        path.write_text(json.dumps(mutated))
        said[name] = check(compared, folder, config)
    mend = "evaluate the run again with keras-deid evaluate"
    assert said["restored.fid = 'x'"] == (f"{path}: restored.fid: input should be a valid number, received 'x'; {mend}")
    missing = said["without settings.deidentify.method"]
    assert missing.startswith(f"{path}: settings.deidentify.method: field required, received {{'weights'")
    assert missing.endswith(mend)
    assert said["without restored"] == f"{folder}: has to be evaluated"
    assert said["without intervals"] is None


def test_summary(run):
    folder, config = run
    path = folder / "summary.json"
    planned = [PlannedRun(folder, config, "one"), PlannedRun(folder / "other", config, "two", ("train",))]
    said = {}
    for name, mutated in mutations(json.loads(path.read_text())):
        path.write_text(json.dumps(mutated))
        said[name] = check(compared, folder, config)
        check(minutes_left, planned)
    assert said["seconds = 'x'"] == (
        f"{path}: seconds: input should be a valid number, received 'x'; train the run again"
    )
    assert said["parameters = []"].startswith(f"{path}: parameters: input should be a valid dictionary, received []")
    assert said["without parameters"] is None


def test_study_of_blocks(run):
    folder, _ = run
    path = folder / "evaluation_blocks.json"
    one = json.loads((folder / "evaluation.json").read_text())
    part = {"block": 0.2, **{key: one[key] for key in ("baselines", "restored", "intervals")}}
    content = {**{key: one[key] for key in ("schema", "split", "images", "settings", "data")}, "blocks": [part]}
    path.write_text(json.dumps(content))
    assert [[source for source in curves] for curves in evaluated_curves([folder])] == [["input", "restored"]]
    said = {}
    for name, mutated in mutations(content):
        path.write_text(json.dumps(mutated))
        said[name] = check(evaluated_curves, [folder, folder])
    assert "blocks.0: intervals should have restored.psnr_mask" in said["without blocks.0.intervals.restored"]
    assert said["without blocks.0.baselines"].startswith(f"{path}: blocks.0.baselines: field required")
