import json
import os

import keras
import numpy as np
import pytest

from keras_deid.comparison import blocks
from keras_deid.comparison.blocks import evaluated_curves, has_blocks, measured_curves, quality_against_blocks
from keras_deid.config import Config
from keras_deid.evaluation.blocks import with_block

CONFIG = Config.model_validate({"data": {"image_size": [32, 32], "synthetic": {"train": 2, "val": 1, "test": 5}}})


@pytest.fixture
def copying():
    """A generator that returns its input."""
    pictures = keras.Input((32, 32, 3))
    return keras.Model(pictures, keras.layers.Identity()(pictures))


@pytest.fixture(autouse=True)
def few(monkeypatch):
    monkeypatch.setattr(blocks, "FACTORS", (0.5, 1.0, 2.0))
    monkeypatch.setattr(blocks, "PICTURES", 3)


def test_larger_blocks_hide_more(copying):
    curves = quality_against_blocks(copying, CONFIG)
    assert list(curves) == ["mosaic", "bilinear", "bicubic", "restored"]
    strengths, decibels = np.array(curves["restored"]).T
    np.testing.assert_allclose(strengths, [0.1, 0.2, 0.4])
    assert (np.diff(decibels) < 0).all()
    np.testing.assert_allclose(decibels, np.array(curves["mosaic"])[:, 1], atol=0.01)  # what a copy comes to


def test_what_was_measured_is_read_again_while_the_weights_are_the_same(tmp_path, monkeypatch):
    (tmp_path / "generator.keras").write_bytes(b"weights")
    curves = {"restored": [(0.1, 22.0), (0.2, 21.0)]}
    monkeypatch.setattr(blocks, "quality_against_blocks", lambda generator, config: curves)
    loaded = []

    def measured(config):
        found = measured_curves(tmp_path, config, loaded.append, tmp_path / "kept.json")
        return found, len(loaded)

    assert measured(CONFIG) == measured(CONFIG) == (curves, 1)
    (tmp_path / "generator.keras").write_bytes(b"others")
    assert measured(CONFIG) == (curves, 2)
    assert measured(with_block(CONFIG, 0.3)) == (curves, 3)


@pytest.mark.parametrize(
    ("changes", "has"),
    [
        ({}, True),
        ({"deidentify": {"method": "blur"}}, True),
        ({"deidentify": {"method": "box"}}, False),
        ({"data": {"source": "folders", "path": "pairs"}}, False),
    ],
)
def test_where_there_is_a_strength(changes, has):
    assert has_blocks(Config.model_validate(changes)) is has


def write_evaluated(run, *decibels, blocks=(0.1, 0.2), split="test"):
    run.mkdir()
    (run / "generator.keras").touch()
    parts = [
        {"block": block, "inputs": {"mosaic": {"psnr_mask": 18.0}}, "restored": {"psnr_mask": value}}
        for block, value in zip(blocks, decibels, strict=True)
    ]
    figures = {"split": split, "images": 5, "data": {"path": str(run), "fingerprint": "abc"}, "blocks": parts}
    (run / "evaluation_blocks.json").write_text(json.dumps(figures))
    return run


def test_what_evaluate_has_written_is_taken_if_all_runs_have_it(tmp_path):
    one, other = write_evaluated(tmp_path / "one", 21.0, 20.0), write_evaluated(tmp_path / "other", 22.0, None)
    curves = evaluated_curves([one, other])
    assert curves[0] == {"mosaic": [(0.1, 18.0), (0.2, 18.0)], "restored": [(0.1, 21.0), (0.2, 20.0)]}
    assert curves[1]["restored"] == [(0.1, 22.0)]
    (tmp_path / "bare").mkdir()
    assert evaluated_curves([one, tmp_path / "bare"]) is None
    assert evaluated_curves([one, write_evaluated(tmp_path / "c", 1.0, 2.0, blocks=(0.1, 0.3))]) is None
    assert evaluated_curves([write_evaluated(tmp_path / "d", 1.0, 2.0, split="val")]) is None
    os.utime(other / "evaluation_blocks.json", (1, 1))  # before the weights
    assert evaluated_curves([one, other]) is None
