import os

import pytest

from keras_deid.cli import serve as command
from keras_deid.serving.stand_in.limits import Limits


@pytest.fixture
def models(tmp_path):
    (tmp_path / "saved_models" / "tiny" / "1").mkdir(parents=True)
    (tmp_path / "saved_models" / "other" / "2").mkdir(parents=True)
    (tmp_path / "saved_models" / "notes").mkdir()
    return tmp_path / "saved_models"


class Seen(list):
    """Where the stand-in was started; `settings` says with what models and limits."""


@pytest.fixture
def served(monkeypatch):
    seen, settings = Seen(), []
    seen.settings = settings

    def run_stand_in(folder, host, port, grpc_port, *, configs, limits, started):
        started(["tiny"])
        seen.append((folder, host, port, grpc_port))
        settings.append((configs, limits))

    monkeypatch.setattr("keras_deid.serving.stand_in.run.run_stand_in", run_stand_in)
    return seen


def test_without_the_server_the_command_for_it_and_the_stand_in(models, served, monkeypatch, capsys):
    monkeypatch.setattr(command.shutil, "which", lambda name: None)
    assert command.main([str(models), "--port", "9000"]) == 0
    assert served == [(models, "127.0.0.1", 9000, 8500)] and served.settings == [(None, Limits())]
    printed = capsys.readouterr().out
    assert "TensorFlow Serving is not installed here" in printed
    assert "docker run --rm -p 127.0.0.1:8500:8500" in printed
    assert "This is a stand-in" in printed and "http://127.0.0.1:9000/v1/models/tiny" in printed


def test_the_server_is_started_where_it_is_installed(models, served, monkeypatch, capsys):
    class Started(Exception):
        pass

    def execv(path, words):
        raise Started(path, words)

    monkeypatch.setattr(command.shutil, "which", lambda name: f"/opt/{name}")
    monkeypatch.setattr(os, "execv", execv)
    with pytest.raises(Started) as started:
        command.main([str(models), "--port", "9000"])
    path, words = started.value.args
    assert path == "/opt/tensorflow_model_server" and not served
    assert {"--rest_api_port=9000", "--port=8500"} <= set(words)
    config = next(word for word in words if word.startswith("--model_config_file=")).partition("=")[2]
    with open(config) as file:
        text = file.read()
    assert f'base_path: "{models.resolve()}/tiny"' in text and 'name: "other"' in text and "notes" not in text
    assert "all addresses" in capsys.readouterr().out
    assert command.main([str(models), "--stand-in"]) == 0
    assert served == [(models, "127.0.0.1", 8501, 8500)]


def test_limits_and_models_config(models, served, tmp_path, monkeypatch, capsys):
    config = tmp_path / "models.config"
    config.write_text('model_config_list { config { name: "tiny" version_labels { key: "stable" value: 2 } } }')
    words = ["--models-config", str(config), "--body-limit", "0.5", "--pixel-limit", "2"]
    assert command.main([str(models), "--stand-in", *words]) == 0
    ((configs, limits),) = served.settings
    assert configs["tiny"].labels == {"stable": 2} and (limits.body, limits.pixels) == (2**19, 2_000_000)
    assert command.main([str(models), "--stand-in", "--models-config", str(tmp_path)]) == 2
    assert "does not exist; give --models-config a models.config" in capsys.readouterr().err
    for wrong in ("0", "nan", "inf", "x"):
        assert command.main([str(models), "--body-limit", wrong]) == 2
    monkeypatch.setattr(command.shutil, "which", lambda name: f"/opt/{name}")
    monkeypatch.setattr(os, "execv", lambda path, words: served.append(words))
    command.main([str(models), *words])
    assert f"--model_config_file={config}" in served[-2]


def test_a_folder_without_models_is_one_line(tmp_path, capsys):
    assert command.main([str(tmp_path)]) == 2
    assert command.main([str(tmp_path / "nowhere")]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert "no exported model in it" in lines[0] and "no such folder" in lines[1] and len(lines) == 2
