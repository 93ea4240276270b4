import json

import pytest

from keras_deid.errors import UserError
from keras_deid.field.journal import JOURNAL, Journal

from ..mutations import mutations

STATE = {"bytes": 3, "modified_ns": 5}


def opened(folder, settings=None):
    return Journal(folder, settings or {"model": "a"}, folder)


def test_records_are_there_after_an_interruption(tmp_path):
    with opened(tmp_path) as journal:
        journal.add("a.png", "gaussian", STATE, {"found": 1})
        # Written before the journal is closed: a kill closes nothing.
        assert opened(tmp_path).get("a.png", "gaussian", STATE) == {"found": 1}
    with opened(tmp_path) as journal:
        assert journal.get("a.png", "gaussian", STATE) == {"found": 1}
        assert journal.get("a.png", "median", STATE) is None
        assert journal.get("b.png", "gaussian", STATE) is None


def test_a_photograph_that_changed_is_scored_again(tmp_path):
    with opened(tmp_path) as journal:
        journal.add("a.png", "gaussian", STATE, {"found": 1})
        assert journal.get("a.png", "gaussian", {**STATE, "bytes": 4}) is None


def test_a_torn_line_is_left_out(tmp_path):
    with opened(tmp_path) as journal:
        journal.add("a.png", "gaussian", STATE, {"found": 1})
        journal.add("b.png", "gaussian", STATE, {"found": 2})
    whole = (tmp_path / JOURNAL).read_text()
    (tmp_path / JOURNAL).write_text(whole[:-9])
    with opened(tmp_path) as journal:
        assert journal.get("b.png", "gaussian", STATE) is None
        journal.add("b.png", "gaussian", STATE, {"found": 2})
    assert (tmp_path / JOURNAL).read_text() == whole


@pytest.mark.parametrize(
    "line", ['{"path": "b.png"}', "3", "[]", '{"path": 3, "kind": "median", "state": 1, "record": {}}']
)
def test_a_line_that_lacks_something_is_left_out(tmp_path, line):
    with opened(tmp_path) as journal:
        journal.add("a.png", "gaussian", STATE, {"found": 1})
    with (tmp_path / JOURNAL).open("a") as file:
        file.write(line + "\n")
    with opened(tmp_path) as journal:
        assert journal.get("a.png", "gaussian", STATE) == {"found": 1}


def test_other_settings_are_one_line(tmp_path):
    opened(tmp_path).close()
    with pytest.raises(UserError, match="holds the evaluation of other models or settings; choose another folder"):
        opened(tmp_path, {"model": "b"})


def test_what_is_no_journal_is_one_line(tmp_path):
    (tmp_path / JOURNAL).write_bytes(b"\xff\xfe")
    with pytest.raises(UserError, match="its journal cannot be read"):
        opened(tmp_path)


def test_a_line_that_was_edited_is_scored_again(tmp_path):
    with opened(tmp_path) as journal:
        journal.add("a.png", "gaussian", STATE, {"found": 1, "faces": [{"psnr": 20.5}]})
    settings, line = map(json.loads, (tmp_path / JOURNAL).read_text().splitlines())
    for name, mutated in mutations(line):
        (tmp_path / JOURNAL).write_text(f"{json.dumps(settings)}\n{json.dumps(mutated)}\n")
        with opened(tmp_path) as journal:
            assert journal.get("a.png", "gaussian", STATE) is None, name
