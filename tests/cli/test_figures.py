import re

import numpy as np
import pytest
from PIL import Image

from keras_deid.cli.figures import main
from keras_deid.config import load_config
from keras_deid.models.patch_discriminator import patch_discriminator
from keras_deid.training.networks import build_generator

CONFIG = """
name: tiny
data:
  image_size: [48, 32]
  synthetic: {train: 8, val: 4, test: 6}
generator: {filters: 4, blocks: 2, reduction: 4, normalization: none, global_skip: true}
discriminator: {filters: 4, layers: 1}
"""


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run folder as training leaves it, as far as it is read; the weights are untrained."""
    folder = tmp_path_factory.mktemp("runs") / "tiny"
    folder.mkdir()
    (folder / "config.yaml").write_text(CONFIG)
    build_generator(load_config(folder / "config.yaml")).save(folder / "generator.keras")
    patch_discriminator((48, 32, 3), filters=4, layers=1).save(folder / "discriminator.keras")
    return folder


def test_two_figures_as_pdf_and_png(run, capsys):
    assert main([str(run), "--rows", "2"]) == 0
    printed = capsys.readouterr().out
    assert len(re.findall("^shown: synthetic/test/", printed, re.MULTILINE)) == 2
    assert f"written: {run / 'figures' / 'network'}.pdf, network.png, people.pdf, people.png" in printed
    names = sorted(path.name for path in (run / "figures").iterdir() if not path.name.startswith("."))
    assert names == ["network.pdf", "network.png", "people.pdf", "people.png"]
    for name in ("network", "people"):
        pdf = (run / "figures" / f"{name}.pdf").read_bytes()
        # Text in TrueType fonts that are inside the file; no Type 3, and no time.
        assert b"/FontFile2" in pdf and b"/Type3" not in pdf and b"CreationDate" not in pdf
        with Image.open(run / "figures" / f"{name}.png") as picture:
            assert picture.info["dpi"] == pytest.approx((300, 300), abs=0.1)
            assert np.ptp(np.asarray(picture.convert("L"))) > 200


def test_mistakes_are_one_line(run, tmp_path, capsys):
    (tmp_path / "file").write_text("")
    (tmp_path / "empty").mkdir()
    for words, message in [
        ([tmp_path / "nowhere"], "nowhere: does not exist"),
        ([run, "--photos", tmp_path / "empty"], "no picture in it"),
        ([run, "--data", tmp_path / "empty"], "has no dataset.json"),
        ([run, "--out", tmp_path / "file"], "file: cannot be made a folder"),
    ]:
        assert main([str(word) for word in words]) == 2
        (line,) = [line for line in capsys.readouterr().err.splitlines() if line.startswith("error: ")]
        assert message in line
    assert main([str(run), "--rows", "0"]) == 2
