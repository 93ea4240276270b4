import copy
import json

import pytest

from keras_deid.errors import UserError
from keras_deid.evaluation.comparison import markdown_table, read_summary


def scores(psnr_mask):
    return {
        "psnr_mask": psnr_mask,
        "ssim_mask": 0.5,
        "psnr_outside": 40.0,
        "psnr": 25.0,
        "ssim": 0.9,
        "l1": 0.01,
        "faces_found": 0.25,
    }


@pytest.fixture
def summary():
    return {
        "seconds": 630.0,
        "parameters": {"generator": 1_234_567, "discriminator": 5},
        "figures": {
            "split": "test",
            "images": 3,
            "data": {"source": "synthetic"},
            "settings": {"deidentify": {"method": "mosaic"}},
            "original": {"faces_found": 1.0},
            "inputs": {"mosaic": scores(19.0), "bicubic": {**scores(20.0), "psnr_outside": None}},
            "restored": scores(22.126),
            "intervals": {
                "inputs": {"mosaic": {"psnr_mask": [18.5, 19.5]}, "bicubic": {"psnr_mask": None}},
                "restored": {"psnr_mask": [21.5, 22.75]},
            },
        },
    }


def test_there_is_a_row_for_the_original_each_floor_and_each_run(summary):
    lines = markdown_table({"mine": summary}).splitlines()
    assert [line.split("|")[1].strip() for line in lines] == ["", "---", "*original*", "*mosaic*", "*bicubic*", "mine"]
    assert "22.13 (21.50 to 22.75)" in lines[-1] and "1,234,567" in lines[-1] and "10 min" in lines[-1]
    assert "19.00 (18.50 to 19.50)" in lines[3]
    assert lines[4].split("|")[2:5] == [" 20.00 ", " 0.500 ", "  "]  # no interval; no score outside
    assert "100.0%" in lines[2]
    assert len({line.count("|") for line in lines}) == 1


@pytest.mark.parametrize("key", ["split", "images", "data", "settings"])
def test_runs_on_different_pictures_are_not_compared(summary, key):
    other = copy.deepcopy(summary)
    other["figures"][key] = "another"
    with pytest.raises(UserError, match=f"two and one were evaluated on different pictures \\({key} differs\\)"):
        markdown_table({"one": summary, "two": other})


def test_an_unfinished_or_damaged_summary_is_an_error(tmp_path, summary):
    with pytest.raises(UserError, match="summary.json: no such file; finish the run"):
        read_summary(tmp_path)
    (tmp_path / "summary.json").write_text("{")
    with pytest.raises(UserError, match="not readable as JSON"):
        read_summary(tmp_path)
    (tmp_path / "summary.json").write_text(json.dumps(summary))
    assert read_summary(tmp_path) == summary
