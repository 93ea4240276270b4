import json
import re

import numpy as np
import pytest

from keras_deid.config import Config
from keras_deid.explain.job import _notes_on_targets, explain_run, load_networks
from keras_deid.explain.study import Pictures
from keras_deid.explain.targets import TARGETS
from keras_deid.models.patch_discriminator import patch_discriminator
from keras_deid.models.resnet_generator import resnet_generator

CONFIG = Config.model_validate(
    {
        "name": "tiny",
        "data": {"image_size": [32, 32], "synthetic": {"train": 8, "val": 2, "test": 5}},
        "generator": {"filters": 4, "blocks": 1, "reduction": 4, "normalization": "none"},
        "discriminator": {"filters": 4, "layers": 1, "conditional": True},
    }
)


@pytest.fixture
def run(tmp_path):
    """A run with a conditional D; its G returns its input, as a collapsed one does, so that all maps are zero."""
    generator = resnet_generator((32, 32, 3), **{**CONFIG.generator.model_dump(exclude={"network", "latent"}), "global_skip": True})
    for weight in generator.get_layer("head_conv").weights:
        weight.assign(weight * 0)
    generator.save(tmp_path / "generator.keras")
    patch_discriminator((32, 32, 6), filters=4, layers=1, normalization="batch").save(tmp_path / "discriminator.keras")
    return tmp_path


def test_a_run_whose_maps_are_all_zero_is_told_so(run):
    done = []
    summary = explain_run(run, CONFIG, limit=3, progress=lambda what, maps: done.append(maps))
    assert sum(done) == 3 * 3
    assert "All maps are zero everywhere at cbam_1: nothing there speaks for the score." in summary["notes"]
    for finding in summary["findings"]:
        assert (finding["pictures"], finding["zero_maps"], finding["holds"]) == (0, 3, False)
        assert "all 3 maps are zero everywhere: nothing can be said" in finding["sentence"]
    assert json.loads((run / "attention" / "localisation.json").read_text()) == json.loads(json.dumps(summary))
    page = (run / "attention" / "report.html").read_text(encoding="utf-8")
    assert "zero everywhere at cbam_1" in page
    assert "nan" not in re.sub('"data:[^"]*"', "", page)


def test_a_target_that_is_none_of_its_own_is_told(run, tmp_path):
    network = load_networks([run], [])[0]
    blank = np.zeros((2, 32, 32, 3), np.uint8)
    everything, corner = np.ones((2, 32, 32), bool), np.zeros((2, 32, 32), bool)
    corner[:, :4, :4] = True
    targets = list(TARGETS.values())
    noted = [
        _notes_on_targets(network, Pictures(blank, blank, mask, mask, ("a", "b")), targets)
        for mask in (everything, corner)
    ]
    assert [len(notes) for notes in noted] == [1, 0]
    assert "“masked-patches” is the same score as “real” here" in noted[0][0]


def test_networks_are_named_after_their_folders(run):
    (network,) = load_networks([run], [])
    assert (network.run, network.role) == (run.name, "")
    assert network.explained.discriminator.input_shape[-1] == 6
