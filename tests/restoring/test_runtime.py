"""What networks run on: OpenVINO gives what TensorFlow gives, faster; and starts without TensorFlow."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from keras_deid import Restorer
from keras_deid.cli.restore import main
from keras_deid.errors import UserError
from keras_deid.models.locator import locator
from keras_deid.restoring import compiled_cache, runtime
from keras_deid.restoring.model import LocalModel
from keras_deid.restoring.run_locator import RunLocator
from keras_deid.restoring.run_model import RunModel
from keras_deid.restoring.runtime import TENSORFLOW, Runtime, choose_runtime
from keras_deid.shipped import DEFAULT_RUN, LOCATOR_RUN

from ..serving.conftest import locator_run

pytest.importorskip("openvino")

SAMPLE = Path(__file__).parents[2] / "docs" / "sample.png"
FLOAT32 = Runtime("openvino", "float32")


def never(*arguments):
    raise AssertionError("TensorFlow was asked")


CACHED = Runtime("openvino", "float32", start_tensorflow=never)
"""Loads what the cache has, and nothing else."""


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """An empty cache."""
    monkeypatch.setenv("KERAS_DEID_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def without_openvino(monkeypatch):
    monkeypatch.setattr(runtime, "find_spec", lambda name: None)


def natural(count, side):
    """Parts of the sample, uint8 `(count, side, side, 3)`."""
    picture = np.asarray(Image.open(SAMPLE).convert("RGB"))
    random = np.random.default_rng(0)
    places = random.integers(0, min(picture.shape[:2]) - side, (count, 2))
    return np.stack([picture[top : top + side, left : left + side] for top, left in places])


def levels_apart(one, other):
    return np.abs(one.astype(int) - other)


# ---- The same results -----------------------------------------------------------------------------------------------


def test_the_shipped_restorer_within_a_level():
    expected, network = RunModel(DEFAULT_RUN), RunModel(DEFAULT_RUN, FLOAT32)
    pictures = natural(7, expected.size[0])
    apart = levels_apart(network.restore(pictures), expected.restore(pictures))
    assert apart.max() <= 1
    for of_both in ("name", "identity", "size", "context", "adds_detail"):
        assert getattr(network, of_both) == getattr(expected, of_both)


@pytest.mark.skipif(choose_runtime().precision != "bfloat16", reason="the processor does not compute in bfloat16")
def test_the_shipped_restorer_in_bfloat16():
    expected, network = RunModel(DEFAULT_RUN), RunModel(DEFAULT_RUN, Runtime("openvino", "bfloat16"))
    pictures = natural(7, expected.size[0])
    apart = levels_apart(network.restore(pictures), expected.restore(pictures))
    assert apart.max() <= 3 and 0 < apart.mean() <= 0.5


def test_the_shipped_locator_for_pictures_of_any_size():
    expected, network = RunLocator(LOCATOR_RUN), RunLocator(LOCATOR_RUN, FLOAT32)
    assert network.identity == expected.identity
    for size in ((64, 64), (96, 160), (256, 64), (64, 64)):
        picture = np.tile(natural(1, 64)[0], (4, 3, 1))[: size[0], : size[1]]
        marked = network.mark(picture)
        assert marked.shape == (size[0] // 4, size[1] // 4) and marked.dtype == np.float32
        np.testing.assert_allclose(marked, expected.mark(picture), atol=1e-4)


def test_a_network_of_another_size(run):
    expected, network = RunModel(run), RunModel(run, FLOAT32)
    assert network.size == expected.size == (16, 24)
    pictures = np.random.default_rng(0).integers(0, 256, (9, 16, 24, 3), np.uint8)  # more than go into one request
    restored = network.restore(pictures)
    assert levels_apart(restored, expected.restore(pictures)).max() <= 1
    np.testing.assert_array_equal(network.restore(pictures[5:6])[0], restored[5])


def test_an_exported_model(base, monkeypatch):
    expected, network = LocalModel(base), LocalModel(base, FLOAT32)
    assert (network.identity, network.size) == (expected.identity, (16, 24))
    pictures = np.random.default_rng(0).integers(0, 256, (9, 16, 24, 3), np.uint8)
    restored = network.restore(pictures)
    assert levels_apart(restored, expected.restore(pictures)).max() <= 1 and (restored != pictures).any()
    monkeypatch.setattr("keras_deid.restoring.openvino_network.OpenVinoNetwork._infer", lambda network, given: given)
    np.testing.assert_array_equal(network.restore(pictures), pictures)  # it does run on OpenVINO


def test_a_restored_picture_within_a_level():
    picture = np.asarray(Image.open(SAMPLE).convert("RGB"))
    ours, theirs = (Restorer(runtime=name, precision="float32") for name in ("openvino", "tensorflow"))
    assert [region.box for region in ours.find(picture)] == [region.box for region in theirs.find(picture)] != []
    assert levels_apart(ours.restore(picture), theirs.restore(picture)).max() <= 1


# ---- The cache ------------------------------------------------------------------------------------------------------


def test_the_next_start_needs_no_tensorflow(run, cache):
    pictures = np.random.default_rng(0).integers(0, 256, (2, 16, 24, 3), np.uint8)
    expected = RunModel(run, FLOAT32).restore(pictures)
    (kept,) = cache.iterdir()
    assert not kept.name.startswith(".") and kept.stat().st_mode & 0o077 == 0
    np.testing.assert_array_equal(RunModel(run, CACHED).restore(pictures), expected)


def test_other_weights_are_another_network(run, cache, tmp_path):
    RunLocator(locator_run(), FLOAT32)
    network = locator(filters=4, blocks=1)
    (tmp_path / "other").mkdir()
    network.save(tmp_path / "other" / "locator.keras")
    with pytest.raises(AssertionError, match="TensorFlow was asked"):
        RunLocator(tmp_path / "other", CACHED)
    RunLocator(locator_run(), CACHED)
    # So is the same network in another precision, and other code.
    with pytest.raises(AssertionError, match="TensorFlow was asked"):
        RunLocator(locator_run(), Runtime("openvino", "bfloat16", start_tensorflow=never))


def test_other_code_is_another_network(run, monkeypatch):
    RunModel(run, FLOAT32)
    real = Path.read_bytes
    changed = {"reflection_padding.py"}
    monkeypatch.setattr(Path, "read_bytes", lambda path: real(path) + b" " * (path.name in changed))
    with pytest.raises(AssertionError, match="TensorFlow was asked"):
        RunModel(run, CACHED)
    changed.clear()
    RunModel(run, CACHED)


@pytest.mark.parametrize("break_it", [lambda content: content[: len(content) // 2], lambda content: b""])
def test_a_broken_file_is_replaced(run, cache, break_it):
    RunModel(run, FLOAT32)
    (kept,) = cache.iterdir()
    whole = kept.read_bytes()
    kept.write_bytes(break_it(whole))
    RunModel(run, FLOAT32)
    assert len(kept.read_bytes()) == len(whole)
    RunModel(run, CACHED)


def test_a_cache_that_cannot_be_written_is_no_error(run, cache, caplog):
    cache.write_text("not a folder")
    pictures = np.zeros((1, 16, 24, 3), np.uint8)
    assert RunModel(run, FLOAT32).restore(pictures).shape == pictures.shape
    assert cache.read_text() == "not a folder" and not caplog.records


def test_the_cache_keeps_what_was_used_last(cache, monkeypatch):
    monkeypatch.setattr(compiled_cache, "KEPT", 2)
    for second, name in enumerate(("a", "b")):
        compiled_cache.write(name, name.encode())
        os.utime(cache / name, (second, second))
    assert compiled_cache.read("a") == b"a"  # which makes it the latest
    compiled_cache.write("c", b"c")
    assert sorted(path.name for path in cache.iterdir()) == ["a", "c"] and compiled_cache.read("b") is None


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"KERAS_DEID_CACHE": "/own", "XDG_CACHE_HOME": "/xdg"}, "/own"),
        ({"XDG_CACHE_HOME": "/xdg"}, "/xdg/keras-deid"),
        ({"XDG_CACHE_HOME": "relative"}, "/home/a/.cache/keras-deid"),  # which the standard says to ignore
        ({}, "/home/a/.cache/keras-deid"),
    ],
)
def test_the_place_of_the_cache(environment, expected, monkeypatch):
    for name in ("KERAS_DEID_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {"HOME": "/home/a", **environment}.items():
        monkeypatch.setenv(name, value)
    assert compiled_cache.folder() == Path(expected)


# ---- The choice -----------------------------------------------------------------------------------------------------


def test_openvino_is_taken_where_it_is_installed(monkeypatch):
    chosen = choose_runtime()
    assert (chosen.name, chosen.falls_back) == ("openvino", True)
    assert choose_runtime("openvino", "float32") == Runtime(
        "openvino", "float32", False, choose_runtime.__defaults__[2]
    )
    assert (choose_runtime("tensorflow").name, choose_runtime("tensorflow").precision) == ("tensorflow", "float32")


@pytest.mark.parametrize(("has", "expected"), [(True, "bfloat16"), (False, "float32")])
def test_the_precision_is_what_the_processor_has(has, expected, monkeypatch):
    monkeypatch.setattr("keras_deid.restoring.openvino_network.has_bfloat16", lambda: has)
    assert choose_runtime().precision == expected
    assert choose_runtime(precision="float32").precision == "float32"


def test_without_openvino_it_is_tensorflow(without_openvino):
    assert choose_runtime().name == "tensorflow"


@pytest.mark.parametrize(
    ("words", "message"), [(("openvino",), r"not installed; .*keras-deid\[fast\]"), (("auto", "bfloat16"), "OpenVINO")]
)
def test_what_cannot_be_had_is_one_line(words, message, without_openvino):
    with pytest.raises(UserError, match=message) as error:
        choose_runtime(*words)
    assert "\n" not in str(error.value)


def test_bfloat16_without_such_a_processor_is_one_line(monkeypatch):
    monkeypatch.setattr("keras_deid.restoring.openvino_network.has_bfloat16", lambda: False)
    with pytest.raises(UserError, match="does not compute in bfloat16"):
        choose_runtime(precision="bfloat16")


def test_a_network_that_openvino_gets_wrong_runs_on_tensorflow(run, cache, monkeypatch):
    module = "keras_deid.restoring.openvino_network"
    right = f"{module}.OpenVinoNetwork._infer"
    monkeypatch.setattr(right, lambda network, pictures: 255 - pictures)
    pictures = np.random.default_rng(0).integers(0, 256, (2, 16, 24, 3), np.uint8)
    fallen_back = RunModel(run, choose_runtime())
    np.testing.assert_array_equal(fallen_back.restore(pictures), RunModel(run, TENSORFLOW).restore(pictures))
    with pytest.raises(UserError, match="OpenVINO cannot run this network; give --runtime tensorflow"):
        RunModel(run, FLOAT32)
    assert not cache.exists()


def test_a_wrong_run_is_the_same_error(tmp_path):
    with pytest.raises(UserError, match="no such file; train the run first"):
        RunModel(tmp_path, choose_runtime())
    (tmp_path / "generator.keras").write_text("no model")
    with pytest.raises(UserError, match="cannot be loaded as a Keras model"):
        RunModel(tmp_path, choose_runtime())


# ---- The command ----------------------------------------------------------------------------------------------------


def test_the_command_on_both_runtimes(tmp_path):
    for name in ("openvino", "tensorflow"):
        words = [SAMPLE, tmp_path / f"{name}.png", "--runtime", name, "--precision", "float32"]
        assert main([*map(str, words)]) == 0
    one, other = (np.asarray(Image.open(tmp_path / f"{name}.png")) for name in ("openvino", "tensorflow"))
    assert levels_apart(one, other).max() <= 1


def test_a_second_start_of_the_command_imports_no_tensorflow(tmp_path):
    code = (
        "import sys\n"
        "from keras_deid.cli.restore import main\n"
        f"assert main([{str(SAMPLE)!r}, sys.argv[1]]) == 0\n"
        "print(*sorted({'tensorflow', 'keras', 'openvino', 'openvino_telemetry'} & set(sys.modules)))\n"
    )
    said = []
    for name in ("first.png", "second.png"):
        words = [sys.executable, "-c", code, str(tmp_path / name)]
        ended = subprocess.run(words, capture_output=True, text=True, timeout=200)
        assert ended.returncode == 0, ended.stderr
        said.append(ended.stdout.splitlines()[-1])
    assert said == ["keras openvino tensorflow", "openvino"]
