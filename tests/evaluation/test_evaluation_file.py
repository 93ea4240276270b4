import json
import os

import pytest

from keras_deid.errors import UserError
from keras_deid.evaluation.evaluation_file import SCHEMA, check_out, held_out, is_current, read_evaluation


def test_a_file_of_this_schema_is_read(tmp_path):
    file = tmp_path / "evaluation.json"
    file.write_text(json.dumps({"schema": SCHEMA, "images": 3}))
    assert read_evaluation(file) == {"schema": SCHEMA, "images": 3}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"images": 3, "inputs": {}}', "has schema 1, this version reads schema 2; evaluate the run again"),
        ('{"schema": 3}', "has schema 3, this version reads schema 2"),
        ("[]", "expected an object, received list"),
        ("{", "is not readable as JSON"),
    ],
)
def test_other_files_are_refused_in_one_line(tmp_path, text, message):
    file = tmp_path / "evaluation.json"
    file.write_text(text)
    with pytest.raises(UserError, match=message):
        read_evaluation(file)


def test_a_file_is_current_until_the_weights_change(tmp_path):
    (tmp_path / "generator.keras").touch()
    file = tmp_path / "evaluation.json"
    assert not is_current(file, tmp_path)
    file.touch()
    assert is_current(file, tmp_path)
    os.utime(file, (1, 1))
    assert not is_current(file, tmp_path)


@pytest.mark.parametrize(
    ("files", "refused"),
    [
        ({"a.json": '{"split": "test"}', "a.png": "picture", "a.csv": "anything"}, None),
        ({"a.json": '{"nme": {}}'}, None),
        ({"a.json": "half an evalu"}, None),
        ({"a.csv": "path,source,psnr\n"}, None),
        ({"a.csv": "block,source,metric\n", "a.png": "picture"}, None),
        ({"a.json": '{"schema": 2, "splits": {}}'}, "a.json"),
        ({"a.json": "[]"}, "a.json"),
        ({"a.png": "a photograph"}, "a.png"),
        ({"a.csv": "name,salary\n"}, "a.csv"),
    ],
)
def test_only_an_evaluation_is_replaced(tmp_path, files, refused):
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    if refused is None:
        check_out(tmp_path / "a.json")
    else:
        with pytest.raises(UserError, match=f"{refused}: is there and belongs to no evaluation; choose another name"):
            check_out(tmp_path / "a.json")


def test_one_process_at_a_time(tmp_path):
    with held_out(tmp_path / "a.json"):
        with pytest.raises(UserError, match="is being written by another process"), held_out(tmp_path / "a.json"):
            pass
        with held_out(tmp_path / "b.json"):
            pass
    assert list(tmp_path.iterdir()) == []
