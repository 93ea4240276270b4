import csv
import json

import pytest
from PIL import Image

from keras_deid.config import Config
from keras_deid.errors import UserError
from keras_deid.evaluation.block_study import CSV_COLUMNS, check_blocks, evaluate_blocks, has_blocks, with_block
from keras_deid.evaluation.evaluate import evaluate_data
from keras_deid.evaluation.faces_found import evaluation_detector
from keras_deid.evaluation.metrics import ALL_METRICS
from keras_deid.evaluation.tables import blocks_table

CONFIG = Config.model_validate(
    {"data": {"image_size": [32, 32], "synthetic": {"train": 8, "val": 4, "test": 3}}, "name": "tiny"}
)


@pytest.fixture(scope="module")
def swept(copying, tmp_path_factory):
    out = tmp_path_factory.mktemp("sweep") / "evaluation_blocks.json"
    done = []
    study = evaluate_blocks(
        copying,
        CONFIG,
        "test",
        [0.5, 0.25, 0.5],
        out,
        evaluation_detector(),
        limit=2,
        progress=lambda *progress: done.append(progress),
    )
    assert done == [(2, 4, "evaluating pictures"), (4, 4, "evaluating pictures")]
    return out, study


def test_each_block_has_the_study_of_an_evaluation_with_it(swept, copying, tmp_path):
    out, study = swept
    assert json.loads(out.read_text()) == study
    assert [part["block"] for part in study["blocks"]] == [0.25, 0.5]
    assert (study["split"], study["images"], study["unit"]) == ("test", 2, "face")
    assert "block_size" not in study["settings"]["deidentify"]
    alone = evaluate_data(copying, with_block(CONFIG, 0.5), "test", tmp_path / "alone.json", limit=2)
    for key in ("baselines", "restored", "original", "intervals"):
        assert study["blocks"][1][key] == alone[key]
    finer, coarser = (part["baselines"]["input"]["psnr_mask"] for part in study["blocks"])
    assert finer > coarser


def test_the_csv_has_a_line_for_each_value(swept):
    out, study = swept
    with open(out.with_suffix(".csv"), encoding="utf-8", newline="") as file:
        lines = list(csv.DictReader(file))
    assert tuple(lines[0]) == CSV_COLUMNS
    # These 32 pixels have no room for MS-SSIM; four sources at two blocks.
    assert len(lines) == 2 * 4 * (len(ALL_METRICS) - 1)
    (line,) = (
        line for line in lines if (line["block"], line["source"], line["metric"]) == ("0.5", "restored", "psnr_mask")
    )
    assert float(line["value"]) == pytest.approx(study["blocks"][1]["restored"]["psnr_mask"], rel=1e-5)
    assert float(line["low"]) <= float(line["value"]) <= float(line["high"])


def test_the_picture_can_be_looked_at(swept):
    with Image.open(swept[0].with_suffix(".png")) as image:
        assert image.format == "PNG" and image.width > 2 * image.height


def test_the_table_has_a_row_for_each_block(swept):
    lines = blocks_table(swept[1]).splitlines()
    assert lines[1].split() == [name for name in ("mosaic", "bilinear", "bicubic", "restored") for _ in range(2)]
    assert lines[2].split() == ["block", *["dB", "found"] * 4]
    assert [line.split()[0] for line in lines[3:]] == ["0.25", "0.5"]
    assert f"{swept[1]['blocks'][0]['restored']['psnr_mask']:.2f}" in lines[3]


def test_what_has_no_strength_is_refused():
    with pytest.raises(UserError, match="a box has no strength"):
        check_blocks(Config.model_validate({"deidentify": {"method": "box"}}))
    with pytest.raises(UserError, match="the catalogue draws each strength"):
        check_blocks(Config.model_validate({"deidentify": {"method": "catalogue"}}))
    with pytest.raises(UserError, match="pairs come de-identified"):
        check_blocks(Config.model_validate({"data": {"source": "folders", "path": "pairs"}}))
    check_blocks(Config.model_validate({"deidentify": {"method": "blur"}}))


@pytest.mark.parametrize(
    ("changes", "has"),
    [
        ({}, True),
        ({"deidentify": {"method": "blur"}}, True),
        ({"deidentify": {"method": "box"}}, False),
        ({"deidentify": {"method": "catalogue"}}, False),
        ({"data": {"source": "folders", "path": "pairs"}}, False),
    ],
)
def test_where_there_is_a_strength(changes, has):
    assert has_blocks(Config.model_validate(changes)) is has
