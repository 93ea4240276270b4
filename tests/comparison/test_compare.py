import os

import pytest

from keras_deid.comparison import compare
from keras_deid.comparison.compare import read_entries
from keras_deid.comparison.plan import PlannedRun, comparing_steps
from keras_deid.errors import UserError


@pytest.fixture
def planned(write_run, tmp_path):
    def make(name, /, **settings):
        return PlannedRun(tmp_path / name, write_run(tmp_path / name, **settings), source=name)

    return make


def test_runs_are_labelled_by_entry_and_seed(planned, tmp_path):
    entries = {"a": [planned("a"), planned("a_seed1", name="a", seed=1)], "b": [planned("b", attention="none")]}
    found = read_entries(entries, tmp_path)
    assert [[run.label for run in entry.runs] for entry in found] == [["a, seed 0", "a, seed 1"], ["b"]]
    assert comparing_steps(entries) == 4


def test_a_run_without_its_scores_is_evaluated_once_and_left_as_it_is(planned, tmp_path, monkeypatch):
    bare, other = planned("bare"), planned("other", attention="none")
    for suffix in (".json", ".csv"):
        (tmp_path / f"fresh{suffix}").write_bytes((bare.folder / f"evaluation{suffix}").read_bytes())
    (bare.folder / "evaluation.csv").unlink()
    before = sorted(path.name for path in bare.folder.iterdir())
    evaluated = []

    def evaluate(generator, config, split, out):
        evaluated.append((config.name, split))
        for suffix in (".json", ".csv"):
            out.with_suffix(suffix).write_bytes((tmp_path / f"fresh{suffix}").read_bytes())

    monkeypatch.setattr(compare, "load_generator", lambda run: None)
    monkeypatch.setattr(compare, "evaluate_data", evaluate)
    for _ in range(2):
        found = read_entries({"bare": [bare], "other": [other]}, tmp_path)
    assert evaluated == [("bare", "test")]
    assert len(found[0].runs[0].paths) == 24
    assert sorted(path.name for path in bare.folder.iterdir()) == before
    os.utime(tmp_path / "bare_seed0.json", (1, 1))  # the run was trained on
    read_entries({"bare": [bare]}, tmp_path)
    assert len(evaluated) == 2


def test_runs_on_different_data_are_not_read(planned, tmp_path):
    one, other = planned("one"), planned("other", attention="none")
    file = other.folder / "evaluation.csv"
    file.write_text(file.read_text().replace("3.jpg", "33.jpg"))
    with pytest.raises(UserError, match="different data"):
        read_entries({"one": [one], "other": [other]}, tmp_path)
