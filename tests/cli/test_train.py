import json
import os
import shutil
import time
from pathlib import Path

import pytest

from keras_deid.cli.train import main
from keras_deid.errors import UserError
from keras_deid.explain import explain
from keras_deid.serving import export
from keras_deid.training import run as training_run
from keras_deid.training.fitting import Interrupted
from keras_deid.training.lost import WorkerLost

ROOT = Path(__file__).parents[2]

MEANS = {"psnr_mask": 20.0, "ssim_mask": 0.5, "psnr_outside": 40.0, "psnr": 30.0, "ssim": 0.9, "l1": 0.01}
FIGURES = {
    "split": "test",
    "images": 3,
    "baselines": {"input": {**MEANS, "faces_found": 0.0}},
    "restored": {**MEANS, "psnr_mask": 22.5, "faces_found": 1.0},
    "original": {"faces_found": 1.0},
}


@pytest.fixture
def project(tmp_path, monkeypatch):
    """An empty place with the project's configurations."""
    shutil.copytree(ROOT / "configs", tmp_path / "configs")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def started(monkeypatch):
    """What the command would train: (configuration, folder) of each start."""
    starts = []

    def run(config, folder, progress):
        starts.append((config, folder))
        folder.mkdir(parents=True, exist_ok=True)
        if not (folder / "generator.keras").exists():
            (folder / "generator.keras").touch()
        return FIGURES

    monkeypatch.setattr(training_run, "run", run)
    return starts


@pytest.fixture(autouse=True)
def made_afterwards(monkeypatch):
    """What the command would explain and export after the training: "attention" or the model's folder."""
    made = []

    def explain_run(folder, config, limit, progress):
        made.append("attention")
        (folder / "attention").mkdir(exist_ok=True)
        (folder / "attention" / "report.html").touch()

    def publish(folder, base):
        made.append(str(base))
        version = base / str(len(export.versions(base)) + 1)
        version.mkdir(parents=True)
        return version

    monkeypatch.setattr(explain, "explain_run", explain_run)
    monkeypatch.setattr(export, "export", publish)
    return made


def left_behind(project):
    return [path.name for path in project.iterdir() if path.name != "configs"]


def test_without_arguments_it_trains_the_quickstart(project, started, capsys):
    assert main([]) == 0
    ((config, folder),) = started
    assert (config.name, config.data.source, folder) == ("quickstart", "synthetic", Path("runs/quickstart"))
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "test split, 3 pictures"
    assert "2.50 dB above" in lines[-4]
    assert lines[-3:] == [
        "look at: runs/quickstart/evaluation.png, runs/quickstart/samples/; metrics: runs/quickstart/summary.json",
        "attention: runs/quickstart/attention/report.html",
        "for serving: saved_models/quickstart/1",
    ]


def test_a_finished_run_is_explained_and_exported_once(project, started, made_afterwards, capsys):
    assert main(["--run", "runs/mine"]) == 0 and main(["--run", "runs/mine"]) == 0
    assert made_afterwards == ["attention", "saved_models/mine"]
    assert capsys.readouterr().out.count("for serving: saved_models/mine/1\n") == 2


def test_new_weights_are_explained_and_exported_again(project, started, made_afterwards, monkeypatch):
    assert main([]) == 0
    later = time.time() + 10
    os.utime("runs/quickstart/generator.keras", (later, later))
    # The start that follows does not train: it stands for one that has trained further.
    monkeypatch.setattr(training_run, "run", lambda config, folder, progress: FIGURES)
    assert main([]) == 0
    assert made_afterwards == ["attention", "saved_models/quickstart"] * 2


def test_metrics_only_is_what_it_says(project, started, made_afterwards):
    assert main(["--metrics-only"]) == 0
    assert made_afterwards == [] and not Path("saved_models").exists()


def test_a_trained_run_stands_even_where_it_cannot_be_explained(project, started, monkeypatch, capsys):
    def explain_run(*arguments):
        raise UserError("this network has no layers to explain")

    monkeypatch.setattr(explain, "explain_run", explain_run)
    assert main([]) == 0
    printed = capsys.readouterr()
    assert printed.err == "warning: attention report skipped: this network has no layers to explain\n"
    assert "for serving: saved_models/quickstart/1" in printed.out


def test_settings_may_stand_anywhere_and_the_run_has_its_own_name(project, started):
    (project / "mine.yaml").write_text("name: mine\ntraining: {epochs: 5}\n")
    assert main(["training.epochs=3", "--config", "mine.yaml", "data.flip=false", "--run", "elsewhere/it"]) == 0
    assert main(["--config", "mine.yaml", "name=yours"]) == 0
    (config, folder), (_, named) = started
    assert (config.name, config.training.epochs, config.data.flip) == ("mine", 3, False)
    assert (folder, named) == (Path("elsewhere/it"), Path("runs/yours"))


@pytest.mark.parametrize("name", ["album", "2024", "2e4", "null", "My pictures: summer #1", "Küche"])
def test_photographs_are_prepared_under_their_folder_s_name(project, started, name):
    assert main(["--photos", name, "data.prepare.size=64"]) == 0
    ((config, _),) = started
    assert config.data.source == "prepared"
    assert (config.data.photos, config.data.path) == (Path(name), Path("prepared") / name)
    assert config.data.prepare.size == 64


def test_photographs_may_be_prepared_elsewhere(project, started):
    assert main(["--photos", "album/", "data.path=sets/mine"]) == 0
    ((config, _),) = started
    assert (config.data.photos, config.data.path) == (Path("album"), Path("sets/mine"))


def test_mistakes_are_lines_and_nothing_is_left_behind(project, capsys):
    assert main(["training.epoch=3", "loss.distance=l2", "data.image_size=[64,30]"]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert sorted(printed.err.splitlines()) == [
        "error: the command line: data.image_size.1: input should be a multiple of 4, received 30",
        "error: the command line: loss.distance: input should be 'l1' or 'charbonnier', received 'l2'",
        "error: the command line: training.epoch: unknown key; did you mean 'epochs'?",
    ]
    assert left_behind(project) == []


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--config", "missing.yaml"], "missing.yaml: cannot be read as a configuration"),
        (["training.epochs"], "expected key=value"),
        (["data.source=prepared", "data.path=sets/missing"], "sets/missing: no such prepared data set"),
        (["--photos", "album"], "album"),
        (["data.synthetic.train=3"], "the training split has 3 pictures, fewer than training.batch_size="),
    ],
)
def test_a_mistake_is_one_line_and_nothing_is_left_behind(project, capsys, arguments, words):
    assert main([*arguments]) == 2
    printed = capsys.readouterr()
    (line,) = printed.err.splitlines()
    assert line.startswith("error: ") and words in line
    assert left_behind(project) == []


def test_an_unknown_flag_is_a_mistake(project, capsys):
    assert main(["--epochs", "3"]) == 2
    assert "Traceback" not in capsys.readouterr().err


@pytest.mark.parametrize(("reason", "code"), [(Interrupted, 130), (WorkerLost, 75)])
def test_a_run_that_ended_early_says_how_to_go_on(project, monkeypatch, capsys, reason, code):
    def run(config, folder, progress):
        raise reason("stopped after step 5 of 9; the same command continues")

    monkeypatch.setattr(training_run, "run", run)
    assert main([]) == code
    assert capsys.readouterr().err == "stopped after step 5 of 9; the same command continues\n"


def test_a_worker_other_than_the_first_reports_nothing(project, monkeypatch, capsys):
    task = {"cluster": {"worker": ["one:1", "two:1"]}, "task": {"type": "worker", "index": 1}}
    monkeypatch.setenv("TF_CONFIG", json.dumps(task))
    monkeypatch.setattr(training_run, "run", lambda config, folder, progress: None)
    assert main([]) == 0
    assert capsys.readouterr().out == "worker 1 of 2 is done; worker 0 evaluates and writes runs/quickstart/\n"


def test_the_help_says_what_it_does(capsys):
    assert main(["--help"]) == 0
    text = capsys.readouterr().out
    assert "key=value" in text and "--photos FOLDER" in text
