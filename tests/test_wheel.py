import os
import shutil
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest
from PIL import Image, ImageChops

ROOT = Path(__file__).parents[1]
TINY = (
    *("data.image_size=[32,32]", "data.synthetic.train=8", "data.synthetic.val=2", "data.synthetic.test=3"),
    *("generator.filters=4", "generator.blocks=1", "generator.reduction=4", "discriminator.filters=4"),
    *("discriminator.layers=1", "training.batch_size=2", "training.epochs=1", "training.decay_epochs=0"),
)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Runs the `keras-deid` of a wheel in an empty folder, where the tree is out of reach."""
    place = tmp_path_factory.mktemp("wheel")
    # From a copy: a build leaves traces in the tree.
    tree = place / "tree"
    ignored = shutil.ignore_patterns(".git", ".*_cache", "__pycache__", "*.egg-info", "build", "runs", "prepared")
    shutil.copytree(ROOT, tree, symlinks=True, ignore=ignored)
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "-w", str(place), "."]
    subprocess.run(pip, check=True, cwd=tree)
    shutil.rmtree(tree)
    (wheel,) = place.glob("keras_deid-*.whl")
    venv.create(place / "venv", with_pip=False)
    python = place / "venv" / "bin" / "python"
    # What it depends on is taken from where the tests run; the venv's own packages come first.
    own = sysconfig.get_path("purelib", vars={"base": str(place / "venv")})
    install = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet", "--no-deps", str(wheel)]
    subprocess.run(install, check=True)
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    environment["PYTHONPATH"] = os.pathsep.join([own, sysconfig.get_path("purelib")])
    empty = place / "empty"
    empty.mkdir()

    def start(*words):
        command = [str(python.parent / "keras-deid"), *map(str, words)]
        done = subprocess.run(command, cwd=empty, env=environment, capture_output=True, text=True, timeout=240)
        assert done.returncode == 0, done.stderr
        return done.stdout

    imported = subprocess.run(
        [str(python), "-c", "import keras_deid; print(keras_deid.__file__)"], cwd=empty, env=environment, **CAPTURED
    )
    assert imported.stdout.strip() == str(Path(own, "keras_deid", "__init__.py"))
    start.folder = empty
    return start


CAPTURED = {"capture_output": True, "text": True}


@pytest.mark.slow
def test_the_help(run):
    assert run("train", "--help").startswith("Usage: keras-deid train ")
    assert list(run.folder.iterdir()) == []


@pytest.mark.slow
def test_the_sample_is_restored_by_a_shipped_run(run):
    sample, boxes = ROOT / "docs" / "sample.png", ROOT / "docs" / "sample.csv"
    out = run.folder / "restored.png"
    run("restore", sample, out, "--boxes", boxes)
    with Image.open(sample) as before, Image.open(out) as after:
        changed = ImageChops.difference(before.convert("RGB"), after.convert("RGB")).getbbox()
    x0, y0, x1, y1 = map(int, boxes.read_text().splitlines()[1].split(",")[1:])
    assert changed[0] >= x0 and changed[1] >= y0 and changed[2] <= x1 and changed[3] <= y1
    assert (changed[2] - changed[0]) * (changed[3] - changed[1]) > 0.9 * (x1 - x0) * (y1 - y0)


@pytest.mark.slow
def test_a_preset_is_trained_explained_and_exported(run):
    printed = run("train", "--config", "quickstart", *TINY)
    assert printed.splitlines()[-2:] == [
        "attention: runs/quickstart/attention/report.html",
        "for serving: saved_models/quickstart/1",
    ]
    assert (run.folder / "saved_models/quickstart/1/saved_model.pb").is_file()
    assert (run.folder / "runs/quickstart/attention/report.html").is_file()
