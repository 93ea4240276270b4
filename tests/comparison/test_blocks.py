import json
import os

import numpy as np
import pytest

from keras_deid.comparison import blocks
from keras_deid.comparison.blocks import evaluated_curves, measured_curves
from keras_deid.config import Config
from keras_deid.evaluation.block_study import evaluate_blocks, with_block

CONFIG = Config.model_validate({"data": {"image_size": [32, 32], "synthetic": {"train": 2, "val": 1, "test": 5}}})


@pytest.fixture(autouse=True)
def few(monkeypatch):
    monkeypatch.setattr(blocks, "FACTORS", (0.5, 1.0, 2.0))
    monkeypatch.setattr(blocks, "PICTURES", 3)


def test_larger_blocks_hide_more(copying, tmp_path):
    (tmp_path / "generator.keras").touch()
    curves = measured_curves(tmp_path, CONFIG, copying, tmp_path / "kept.json")
    assert list(curves) == ["input", "bilinear", "bicubic", "restored"]
    strengths, decibels = np.array(curves["restored"]).T
    np.testing.assert_allclose(strengths, [0.1, 0.2, 0.4])
    assert (np.diff(decibels) < 0).all()
    np.testing.assert_allclose(decibels, np.array(curves["input"])[:, 1], atol=0.01)  # what a copy comes to
    assert json.loads((tmp_path / "kept.json").read_text())["images"] == 3


def test_what_was_measured_is_read_again_while_the_weights_are_the_same(copying, tmp_path, monkeypatch):
    weights = tmp_path / "generator.keras"
    weights.write_bytes(b"weights")
    measured = []

    def counted(*arguments):
        measured.append(arguments)
        return evaluate_blocks(*arguments)

    monkeypatch.setattr(blocks, "evaluate_blocks", counted)

    def curves(config):
        return measured_curves(tmp_path, config, copying, tmp_path / "kept.json"), len(measured)

    first, once = curves(CONFIG)
    assert (once, curves(CONFIG)) == (1, (first, 1))
    later = (tmp_path / "kept.json").stat().st_mtime + 1
    os.utime(weights, (later, later))  # trained on
    assert curves(CONFIG) == (first, 2)
    os.utime(weights, (1, 1))
    other, thrice = curves(with_block(CONFIG, 0.3))
    assert thrice == 3 and other != first
    ellipse = CONFIG.model_copy(update={"deidentify": CONFIG.deidentify.model_copy(update={"shape": "ellipse"})})
    assert curves(ellipse)[1] == 4


def write_evaluated(run, *decibels, blocks=(0.1, 0.2), split="test"):
    run.mkdir()
    (run / "generator.keras").touch()
    parts = [
        {
            "block": block,
            "baselines": {"input": {"psnr_mask": 18.0}},
            "restored": {"psnr_mask": value},
            "intervals": {"baselines": {"input": {"psnr_mask": None}}, "restored": {"psnr_mask": None}},
        }
        for block, value in zip(blocks, decibels, strict=True)
    ]
    study = {
        "schema": 2,
        "split": split,
        "images": 5,
        "settings": {},
        "data": {"path": str(run), "fingerprint": "abc"},
        "blocks": parts,
    }
    (run / "evaluation_blocks.json").write_text(json.dumps(study))
    return run


def test_what_evaluate_has_written_is_taken_if_all_runs_have_it(tmp_path):
    one, other = write_evaluated(tmp_path / "one", 21.0, 20.0), write_evaluated(tmp_path / "other", 22.0, None)
    curves = evaluated_curves([one, other])
    assert curves[0] == {"input": [(0.1, 18.0), (0.2, 18.0)], "restored": [(0.1, 21.0), (0.2, 20.0)]}
    assert curves[1]["restored"] == [(0.1, 22.0)]
    (tmp_path / "bare").mkdir()
    assert evaluated_curves([one, tmp_path / "bare"]) is None
    assert evaluated_curves([one, write_evaluated(tmp_path / "c", 1.0, 2.0, blocks=(0.1, 0.3))]) is None
    assert evaluated_curves([write_evaluated(tmp_path / "d", 1.0, 2.0, split="val")]) is None
    os.utime(other / "evaluation_blocks.json", (1, 1))  # before the weights
    assert evaluated_curves([one, other]) is None
