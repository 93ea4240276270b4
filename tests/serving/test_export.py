"""The statements about an exported model, by number where docs/serving.md lists them: how it is written."""

import filecmp
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from tensorflow_serving.apis.prediction_log_pb2 import PredictionLog

from keras_deid.config import Config, load_config
from keras_deid.errors import UserError
from keras_deid.evaluation.scoring import restore
from keras_deid.models.dcgan import dcgan_generator
from keras_deid.models.latent_search import latent_search
from keras_deid.serving import export as export_module
from keras_deid.serving.export import export, versions
from keras_deid.serving.model_card import model_card, write_model_card
from keras_deid.serving.signatures import LOCATOR_SIGNATURES, SIGNATURES
from keras_deid.serving.warmup import BATCHES, WARMUP_FILE
from keras_deid.staging import staging

from .conftest import HEIGHT, WIDTH, locator_run


def test_8_warmup_requests_parse_and_run(model, signatures):
    records = list(tf.data.TFRecordDataset(str(model / WARMUP_FILE)).as_numpy_iterator())
    seen = []
    for record in records:
        request = PredictionLog.FromString(record).predict_log.request
        assert request.model_spec.name == "tiny"
        inputs = {name: tf.constant(tf.make_ndarray(value)) for name, value in request.inputs.items()}
        (restored,) = signatures[request.model_spec.signature_name](**inputs).values()
        seen.append((request.model_spec.signature_name, int(restored.shape[0])))
    assert seen == [(name, count) for count in BATCHES for name in (*SIGNATURES, *LOCATOR_SIGNATURES)]


def test_9_and_10_the_same_weights_give_the_same_bytes_under_the_next_version(run, base, model):
    second = export(run, base, locator=locator_run())
    assert second == base / "2"
    files = [path.relative_to(model) for path in model.rglob("*") if path.is_file()]
    assert {path.relative_to(second) for path in second.rglob("*") if path.is_file()} == set(files)
    assert [str(f) for f in files if not filecmp.cmp(model / f, second / f, shallow=False)] == ["fingerprint.pb"]
    assert sorted(path.name for path in base.iterdir()) == ["1", "2", "serving"]
    assert [path.name for path in base.parent.iterdir()] == ["tiny"]
    assert versions(base) == [1, 2]


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError(28, "No space left on device")])
def test_10_an_interrupted_export_leaves_nothing(run, tmp_path, monkeypatch, error):
    def stop(run, folder, name, locator):
        folder.mkdir()
        (folder / "saved_model.pb").write_bytes(b"half")
        raise error

    monkeypatch.setattr(export_module, "write_saved_model", stop)
    with pytest.raises(KeyboardInterrupt if error is KeyboardInterrupt else UserError):
        export(run, tmp_path / "tiny")
    assert list(tmp_path.iterdir()) == []


def test_10_what_a_killed_export_left_is_no_hindrance(run, tmp_path, monkeypatch):
    (tmp_path / ".tiny.partial" / "model").mkdir(parents=True)
    (tmp_path / ".tiny.partial" / "model" / "old").touch()
    (tmp_path / ".tiny.partial" / "lock").touch()
    monkeypatch.setattr(export_module, "write_saved_model", write_files)
    assert export(run, tmp_path / "tiny", 7) == tmp_path / "tiny" / "7"
    assert not (tmp_path / "tiny" / "7" / "old").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["tiny"]


def test_10_a_killed_export_leaves_no_version_and_nothing_that_goes_on(run, tmp_path, monkeypatch):
    words = "from pathlib import Path; from keras_deid.serving.export import export; "
    code = f"{words}export(Path({str(run)!r}), Path('tiny'))"
    exporting = subprocess.Popen([sys.executable, "-c", code], cwd=tmp_path, stderr=subprocess.DEVNULL)
    while not (tmp_path / ".tiny.partial" / "model").exists():
        assert exporting.poll() is None
        time.sleep(0.01)
    children = Path(f"/proc/{exporting.pid}/task/{exporting.pid}/children").read_text().split()
    exporting.kill()
    exporting.wait()
    assert [path.name for path in tmp_path.iterdir()] == [".tiny.partial"]
    while any(is_running(child) for child in children):
        time.sleep(0.01)
    monkeypatch.setattr(export_module, "write_saved_model", write_files)
    assert export(run, tmp_path / "tiny") == tmp_path / "tiny" / "1"
    assert [path.name for path in tmp_path.iterdir()] == ["tiny"]


def test_10_an_export_that_was_killed_after_it_was_published_is_not_repeated(run, tmp_path, monkeypatch):
    monkeypatch.setattr(export_module, "write_saved_model", write_files)
    with monkeypatch.context() as patched:
        patched.setattr(export_module.shutil, "rmtree", lambda *words, **settings: None)  # as a kill there leaves it
        assert export(run, tmp_path / "tiny") == tmp_path / "tiny" / "1"
    assert (tmp_path / ".tiny.partial").exists()
    assert export(run, tmp_path / "tiny") == tmp_path / "tiny" / "1"
    assert [path.name for path in tmp_path.iterdir()] == ["tiny"] and versions(tmp_path / "tiny") == [1]
    assert export(run, tmp_path / "tiny") == tmp_path / "tiny" / "2"  # asked for anew


def test_10_another_export_after_a_killed_one_is_made(run, tmp_path, monkeypatch):
    monkeypatch.setattr(export_module, "write_saved_model", write_files)
    with monkeypatch.context() as patched:
        patched.setattr(export_module.shutil, "rmtree", lambda *words, **settings: None)
        export(run, tmp_path / "tiny")
    other = shutil.copytree(run, tmp_path / "other")
    (other / "config.yaml").write_text((run / "config.yaml").read_text() + "description: another\n")
    assert export(other, tmp_path / "tiny") == tmp_path / "tiny" / "2"


def test_a_readme_of_something_else_stays(run, tmp_path, monkeypatch):
    monkeypatch.setattr(export_module, "write_saved_model", write_files)
    (tmp_path / "tiny" / "serving").mkdir(parents=True)
    (tmp_path / "tiny" / "serving" / "README.md").write_text("# My project")
    export(run, tmp_path / "tiny")
    assert (tmp_path / "tiny" / "serving" / "README.md").read_text() == "# My project"


def is_running(process):
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def write_files(run, folder, name, locator=None):
    (folder / "variables").mkdir(parents=True)
    (folder / "saved_model.pb").write_bytes(b"graph")
    (folder / "variables" / "variables.index").write_bytes(b"weights")


def test_the_model_card_says_what_it_is(model, base):
    card = json.loads((model / "model_card.json").read_text())
    assert (card["name"], card["precision"], card["input"]["size"]) == ("tiny", "float32", [HEIGHT, WIDTH])
    assert card["weights"] == "moving average over training"
    assert card["metrics"]["restored"] == {"psnr": 22.5, "faces_found": 0.5}
    assert card["versions"]["tensorflow"] == tf.__version__
    assert card["input"].keys() == {"size", *SIGNATURES, *LOCATOR_SIGNATURES}
    locator_hash = hashlib.sha256((locator_run() / "locator.keras").read_bytes()).hexdigest()
    assert card["locator"] == {"sha256": locator_hash}
    assert re.fullmatch("[0-9a-f]{64}", card["sha256"])
    text = (model / "model_card.md").read_text()
    assert "| input | 20.12 | - |" in text and "| restored | 22.5 | 0.5 |" in text
    assert "## Forbidden use" in text and card["sha256"] in text and locator_hash in text


@pytest.mark.parametrize(
    ("path", "shown"),
    [(Path("/home/someone/photos/prepared"), "prepared"), (Path("prepared/street"), "prepared/street")],
)
def test_the_model_card_names_no_place_on_this_machine(tmp_path, path, shown):
    (tmp_path / "run").mkdir()
    config = {"data": {"source": "prepared", "path": path}, "description": "a `run`\n# of <b>*mine*</b>, 1. draft"}
    Config.model_validate(config).save(tmp_path / "run" / "config.yaml")
    write_files(tmp_path / "run", tmp_path / "1", "tiny")
    write_model_card(tmp_path / "1", tmp_path / "run", "tiny")
    card, text = ((tmp_path / "1" / f"model_card.{kind}").read_text() for kind in ("json", "md"))
    assert json.loads(card)["trained_on"]["data"] == {"source": "prepared", "path": shown}
    assert json.loads(card)["description"] == config["description"]
    assert f"- data: prepared {shown}\n" in text
    assert "someone" not in card + text and str(tmp_path) not in card + text
    assert "\na \\`run\\` \\# of \\<b\\>\\*mine\\*\\</b\\>, 1\\. draft\n" in text


def test_the_model_card_reads_the_evaluation_of_an_older_run(run, tmp_path):
    shutil.copytree(run, tmp_path / "run")
    old = {"split": "val", "images": 3, "inputs": {"mosaic": {"psnr": 1.0}, "bicubic": {"psnr": 2.0}}, "restored": {}}
    (tmp_path / "run" / "evaluation.json").write_text(json.dumps(old))
    write_files(run, tmp_path / "1", "tiny")
    assert model_card(tmp_path / "1", tmp_path / "run", "tiny")["metrics"] == {
        "split": "val",
        "images": 3,
        "baselines": {"input": {"psnr": 1.0}, "bicubic": {"psnr": 2.0}},
        "restored": {},
    }


def test_the_server_files_name_the_model_and_the_server(base):
    folder = base / "serving"
    assert 'name: "tiny"' in (folder / "models.config").read_text()
    assert 'base_path: "/models/tiny"' in (folder / "models.config").read_text()
    batching = (folder / "batching.config").read_text()
    sizes = [int(size) for size in re.findall(r"allowed_batch_sizes: (\d+)", batching)]
    assert sizes == sorted(sizes) and f"max_batch_size {{ value: {sizes[-1]} }}" in batching
    assert 'path: "/monitoring/prometheus/metrics"' in (folder / "monitoring.config").read_text()
    readme = (folder / "README.md").read_text()
    assert f"tensorflow/serving:{tf.__version__}" in readme and "--enable_batching --batching" in readme
    assert "127.0.0.1:8501:8501" in readme and "fill up with rows of zeros" in readme


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"version": 0}, "expected a whole number of at least 1"),
        ({"to": "1tiny"}, "a letter first"),
        ({"to": "file"}, "is not a folder"),
        ({"to": "there", "version": 3}, "versions are never replaced"),
        ({"run": "nowhere"}, "give the folder of a trained run"),
        ({"locator": "nowhere"}, "nowhere/locator.keras: no such file; give the folder of a trained run"),
    ],
)
def test_refuses_what_cannot_be(run, tmp_path, change, message):
    (tmp_path / "file").touch()
    (tmp_path / "there" / "3").mkdir(parents=True)
    source = tmp_path / change["run"] if "run" in change else run
    locator = tmp_path / change["locator"] if "locator" in change else None
    with pytest.raises(UserError, match=re.escape(message)):
        export(source, tmp_path / change.get("to", "new"), change.get("version"), locator)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "there"]


def test_refuses_a_network_that_its_configuration_does_not_describe(run, tmp_path):
    other = tmp_path / "run"
    other.mkdir()
    load_config(run / "config.yaml", ["data.image_size=[64, 64]"]).save(other / "config.yaml")
    os.link(run / "generator.keras", other / "generator.keras")
    with pytest.raises(UserError, match="is not the network that .*config.yaml describes"):
        export(other, tmp_path / "tiny")
    assert not (tmp_path / "tiny").exists()


def test_a_search_is_exported_like_any_generator(tmp_path):
    drawing = dcgan_generator((16, 16, 3), filters=4, latent=8)
    searching = latent_search(drawing, steps=3, starts=4)
    run = tmp_path / "run"
    run.mkdir()
    searching.save(run / "generator.keras")
    settings = {"network": "dcgan", "filters": 4, "latent": 8, "attention": "none"}
    config = {"generator": settings, "data": {"image_size": [16, 16]}, "training": {"method": "unconditional"}}
    Config.model_validate(config).save(run / "config.yaml")
    signatures = tf.saved_model.load(str(export(run, tmp_path / "search"))).signatures
    x = np.random.default_rng(0).integers(0, 256, (3, 16, 16, 3)).astype("uint8")
    served = signatures["serve_uint8"](image=tf.constant(x))["restored"].numpy()
    np.testing.assert_allclose(served.astype(int), restore(searching, x).astype(int), atol=1)


def test_only_one_process_at_a_time(run, tmp_path):
    with staging(tmp_path / "tiny", ""), pytest.raises(UserError, match="another process"):
        export(run, tmp_path / "tiny")
