import json
import re

import numpy as np
import pytest

from keras_deid.config import Config
from keras_deid.data.images import write_png
from keras_deid.errors import UserError
from keras_deid.explain.explain import explain, explain_run
from keras_deid.explain.networks import load_networks
from keras_deid.explain.notes import notes_on_targets
from keras_deid.explain.pictures import Pictures, load_pictures
from keras_deid.explain.targets import TARGETS
from keras_deid.models.patch_discriminator import patch_discriminator
from keras_deid.models.unet_generator import unet_generator
from keras_deid.report.page import wording
from keras_deid.training.networks import build_discriminator, build_generator

CONFIG = Config.model_validate(
    {
        "name": "tiny",
        "data": {"image_size": [32, 32], "synthetic": {"train": 8, "val": 2, "test": 5}},
        "generator": {"filters": 4, "blocks": 1, "reduction": 4, "normalization": "none", "global_skip": True},
        "discriminator": {"filters": 4, "layers": 1, "conditional": True},
    }
)


@pytest.fixture
def run(tmp_path):
    """A run with a conditional D; its G returns its input, as a collapsed one does, so that all maps are zero."""
    generator = build_generator(CONFIG)
    for weight in generator.get_layer("head_conv").weights:
        weight.assign(weight * 0)
    generator.save(tmp_path / "generator.keras")
    build_discriminator(CONFIG).save(tmp_path / "discriminator.keras")
    return tmp_path


def test_a_run_whose_maps_are_all_zero_is_told_so(run):
    done = []
    summary = explain_run(run, CONFIG, limit=3, progress=lambda *progress: done.append(progress))
    assert (9, 3 * 3, "maps") in done and done[-1] == (2, 2, "sanity checks")
    assert {"kind": "zero_maps", "layers": ["cbam_1"]} in summary["notes"]
    for finding in summary["findings"]:
        assert (finding["pictures"], finding["zero_maps"], finding["holds"]) == (0, 3, False)
    assert json.loads((run / "attention" / "localisation.json").read_text()) == json.loads(json.dumps(summary))
    page = (run / "attention" / "report.html").read_text(encoding="utf-8")
    assert "zero everywhere at cbam_1" in page
    assert page.count("all 3 maps are zero everywhere: nothing can be said") == len(summary["findings"])
    assert "All maps are zero everywhere at cbam_1: nothing there speaks for the score." in page
    assert "nan" not in re.sub('"data:[^"]*"', "", page)


def test_a_target_that_is_none_of_its_own_is_told(run, tmp_path):
    network = load_networks([run], [])[0]
    blank = np.zeros((2, 32, 32, 3), np.uint8)
    everything, corner = np.ones((2, 32, 32), bool), np.zeros((2, 32, 32), bool)
    corner[:, :4, :4] = True
    targets = list(TARGETS.values())
    noted = [
        notes_on_targets(network, Pictures(blank, blank, mask, mask, ("a", "b")), targets)
        for mask in (everything, corner)
    ]
    assert [len(notes) for notes in noted] == [1, 0]
    assert noted[0][0] == {"kind": "same_target", "target": "masked-patches"}
    sentence = wording("explain/words.jinja").note(noted[0][0])
    assert "“masked-patches” is the same score as “real” here" in sentence


def test_networks_are_named_after_their_folders(run):
    (network,) = load_networks([run], [])
    assert (network.run, network.role) == (run.name, "")
    assert network.chain.discriminator.input_shape[-1] == 6


def test_a_pix2pix_run(tmp_path):
    """A U-Net and a D that sees pairs, on pairs in two folders, without person masks."""
    random = np.random.default_rng(0)
    for number in range(3):
        y = random.integers(0, 256, (32, 32, 3)).astype(np.uint8)
        x = y.copy()
        x[8:20, 10:22] = 128
        for side, picture in (("x", x), ("y", y)):
            (tmp_path / side / "test").mkdir(parents=True, exist_ok=True)
            write_png(tmp_path / side / "test" / f"{number}.png", picture)
    unet_generator((32, 32, 3), filters=4).save(tmp_path / "generator.keras")
    patch_discriminator((32, 32, 6), filters=4, layers=1, normalization="batch").save(tmp_path / "discriminator.keras")
    pairs = Config.model_validate({"data": {"source": "folders", "path": str(tmp_path), "image_size": [32, 32]}})
    summary = explain_run(tmp_path, pairs)
    assert {"kind": "no_cbam", "places": "ends of its decoder's stages"} in summary["notes"]
    tables = (tmp_path / "attention" / "localisation.md").read_text(encoding="utf-8")
    assert "This run has no CBAM: its maps are taken at the ends of its decoder's stages." in tables
    assert [(row["layer"], row["region"]) for row in summary["findings"]] == [
        (f"up_{stage}", "mask") for stage in (1, 2, 3, 4)
    ]
    assert [verdict["kind"] for verdict in summary["verdicts"]] == ["where"]


def test_pictures_that_nothing_was_done_to(run, tmp_path):
    for side in ("x", "y"):
        (tmp_path / side / "test").mkdir(parents=True)
        write_png(tmp_path / side / "test" / "grey.png", np.full((32, 32, 3), 128, np.uint8))
    pairs = Config.model_validate({"data": {"source": "folders", "path": str(tmp_path), "image_size": [32, 32]}})
    with pytest.raises(UserError, match="no picture has a de-identified region or a person mask"):
        explain_run(run, pairs)
    assert not (run / "attention").exists()


def test_gates_of_a_run(run):
    networks = load_networks([run], [])
    summary = explain(networks, load_pictures(CONFIG, "test", 3), run / "gates", config=CONFIG, method="gates")
    assert summary["settings"]["method"].startswith("CBAM's spatial gates")
    # Open gates start alike everywhere: they prefer nothing.
    assert {finding["zero_maps"] for finding in summary["findings"]} == {3}
    assert [(row["module"], row["replacement"]) for row in summary["regated"]] == [
        ("cbam_1", replacement) for replacement in ("mean", "another", "background")
    ]
    # This generator returns its input whatever the gates are.
    assert all(row["lost"] == {"mean": 0, "low": 0, "high": 0} for row in summary["regated"])
    page = (run / "gates" / "report.html").read_text(encoding="utf-8")
    assert 'id="regated"' in page and "another picture&#39;s gates" in page


def test_a_run_without_cbam_has_no_gates(run):
    config = CONFIG.model_copy(update={"generator": CONFIG.generator.model_copy(update={"attention": "none"})})
    build_generator(config).save(run / "generator.keras")
    networks = load_networks([run], [])
    with pytest.raises(UserError, match="has no CBAM, and so no gates; --method gates takes runs with CBAM alone"):
        explain(networks, load_pictures(CONFIG, "test", 3), run / "gates", config=CONFIG, method="gates")
    assert not (run / "gates").exists()
