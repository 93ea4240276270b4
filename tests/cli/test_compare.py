import csv
import html.parser
import json
import re
import shutil

import pytest

from keras_deid.cli import compare as command
from keras_deid.cli.compare import main
from keras_deid.comparison import blocks, speed
from keras_deid.config import load_config
from keras_deid.locking import locked_folder
from keras_deid.models.patch_discriminator import patch_discriminator
from keras_deid.training.networks import build_generator

TINY = """
name: {name}
data: {{image_size: [32, 32], synthetic: {{train: 4, val: 2, test: 3}}}}
generator: {{filters: 4, blocks: 1, reduction: 4, normalization: none, attention: {attention}}}
discriminator: {{filters: 4, layers: 1}}
training: {{batch_size: 2, epochs: 1, decay_epochs: 0}}
"""
SCORES = {"original": ("", 1.0), "input": (18.0, 0.0), "bilinear": (18.5, 0.0), "bicubic": (19.0, 1.0)}


@pytest.fixture(scope="module", autouse=True)
def brief():
    """Measures with few blocks and one call a turn."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(blocks, "FACTORS", (0.5, 1.0))
        patch.setattr(speed, "TURN_SECONDS", 0.0)
        yield


def write_config(folder, name, attention="between"):
    path = folder / f"{name}.yaml"
    path.write_text(TINY.format(name=name, attention=attention))
    return path


def write_run(folder, name, gain, seed=0, attention="between"):
    """A run's folder as training leaves it, as far as it is read; its networks are untrained, its scores made up."""
    folder.mkdir(parents=True)
    config = load_config(write_config(folder, name, attention), [f"training.seed={seed}"])
    config.save(folder / "config.yaml")
    generator = build_generator(config)
    generator.save(folder / "generator.keras")
    patch_discriminator((32, 32, 3), filters=4, layers=1).save(folder / "discriminator.keras")
    sources = SCORES | {"restored": (19.0 + gain, 1.0)}
    evaluation = {
        "schema": 2,
        "split": "test",
        "images": 3,
        "data": {"source": "synthetic", "image_size": [32, 32]},
        "settings": {"deidentify": {"method": "mosaic", "block_size": 0.2}},
        "original": {"faces_found": 1.0},
        "restored": {"psnr_mask": 19.0 + gain, "faces_found": 1.0},
        "baselines": {
            name: {"psnr_mask": SCORES[name][0], "faces_found": SCORES[name][1]} for name in list(SCORES)[1:]
        },
        "intervals": {},
    }
    (folder / "evaluation.json").write_text(json.dumps(evaluation))
    with (folder / "evaluation.csv").open("w", newline="") as file:
        lines = csv.writer(file)
        lines.writerow(["path", "source", "psnr_mask", "faces_found", "box_width", "block", "brightness"])
        for number in range(3):
            for source, (psnr, found) in sources.items():
                lines.writerow([f"{number}.jpg", source, psnr, found, 12, 2.4, 0.5])
    summary = {
        "epochs": 1,
        "steps": 2,
        "seconds": 60.0,
        "images_per_second": 0.07,
        "precision": "float32",
        "parameters": {"generator": generator.count_params(), "discriminator": 7},
        "metrics": evaluation,
    }
    (folder / "summary.json").write_text(json.dumps(summary))
    (folder / "history.csv").write_text("epoch,step,seconds,val_psnr_mask\n1,1,30,18.5\n2,2,30,19.5\n")
    return folder


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """A model with attention, twice; the same without; and one whose discriminator cannot be explained."""
    folder = tmp_path_factory.mktemp("runs")
    write_run(folder / "with", "with", 1.0)
    write_run(folder / "with_seed1", "with", 1.5, seed=1)
    write_run(folder / "without", "without", 0.5, attention="none")
    write_run(folder / "bare", "bare", -1.0, attention="branch")
    (folder / "bare" / "discriminator.keras").unlink()
    return folder


@pytest.fixture(scope="module")
def out(runs, tmp_path_factory):
    """The comparison of those runs."""
    out = tmp_path_factory.mktemp("comparison") / "out"
    words = [str(runs / name) for name in ("with", "without", "bare", "with_seed1")]
    assert main([*words, "--out", str(out)]) == 0
    return out


class Page(html.parser.HTMLParser):
    """What is on a page: its text, its sections, and where its pictures come from."""

    def __init__(self, path):
        super().__init__()
        self.sources, self.links, self.sections, self.strong, self.text = [], [], [], [], ""
        self._in_strong = False
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.sources += [attributes["src"]] if "src" in attributes else []
        self.links += [attributes["href"]] if "href" in attributes else []
        self.sections += [attributes["id"]] if tag == "section" else []
        self._in_strong = self._in_strong or tag == "strong"
        if tag == "img":
            assert attributes["alt"]

    def handle_endtag(self, tag):
        self._in_strong = self._in_strong and tag != "strong"

    def handle_data(self, data):
        self.text += data
        if self._in_strong:
            self.strong.append(data)


def test_the_page_answers_first_and_needs_nothing_else(out):
    page = Page(out / "comparison.html")
    assert page.sections == ["answers", "metrics", "cost", "pictures", "blocks", "learning", "method"]
    # All pictures differ alike, and so do both seeds: no doubt.
    assert page.strong[0].startswith(
        "Whether attention is worth it here depends on its form: it helps in with; it harms in bare."
    )
    assert page.strong[1].startswith("with is the best in the mask, 20.25 ")
    assert "20.25" in page.strong and "-1.00 to -0.50" in page.text and "seeds 20.00, 20.50" in page.text
    assert page.sources and all(source.startswith("data:image/png;base64,") for source in page.sources)
    assert page.links == [] and "url(" not in (out / "comparison.html").read_text(encoding="utf-8")
    assert "The same budget in images seen and minutes for every run: 4 images seen, 1.0 minutes" in page.text
    assert "No overlay for bare: " in page.text and "discriminator.keras: no such file" in page.text
    assert "with, cbam_1" in page.text and "without, block_1_sum" in page.text
    assert "keras-deid compare " in page.text
    assert "nan" not in re.sub('"data:[^"]*"', "", (out / "comparison.html").read_text(encoding="utf-8"))


def test_markdown_and_csv(out):
    text = (out / "comparison.md").read_text(encoding="utf-8")
    assert "| **20.25 (20.00 to 20.50)** |" in text and "| *bicubic* |" in text
    assert "images/s restored" in text and "peak memory" not in text  # nobody has recorded it
    with (out / "comparison.csv").open(newline="") as file:
        lines = {(line["name"], line["kind"]): line for line in csv.DictReader(file)}
    assert list(lines)[4:] == [
        ("with", "model"),
        ("with, seed 0", "run"),
        ("with, seed 1", "run"),
        ("without", "model"),
        ("without", "run"),
        ("bare", "model"),
        ("bare", "run"),
    ]
    assert float(lines["with", "model"]["restored_per_second"]) > 0
    assert float(lines["with, seed 1", "run"]["psnr_mask"]) == 20.5


def test_the_answers_are_numbers_and_booleans_in_the_json(out):
    answers = json.loads((out / "comparison.json").read_text(encoding="utf-8"))
    assert (answers["schema"], answers["entries"], answers["pictures"]) == (1, ["with", "without", "bare"], 3)
    pairs = {(pair["ours"], pair["theirs"]): pair for pair in answers["attention"]["pairs"]}
    assert [pair["is_better"] for pair in pairs.values()] == [True, False]
    assert answers["attention"]["holds"] is None  # the two contradict each other
    assert pairs["with", "without"]["gains"]["psnr_mask"] == {"mean": 0.75, "low": 0.5, "high": 1.0}
    assert pairs["with", "without"]["seeds"] == [2, 1]
    assert (answers["best"]["name"], answers["best"]["holds"]) == ("with", True)
    gains = {gain["baseline"]: (gain["gain"]["mean"], gain["is_beaten"]) for gain in answers["best"]["baselines"]}
    assert gains == {"input": (2.25, True), "bilinear": (1.75, True), "bicubic": (1.25, True)}
    assert answers["budget"]["is_same"] and answers["budget"]["minutes"] == [1.0, 1.0]
    (note,) = answers["notes"]
    assert (note["kind"], note["name"]) == ("no_overlay", "bare")


def test_what_was_measured_is_not_measured_again(out, runs, monkeypatch, capsys):
    monkeypatch.setattr(blocks, "evaluate_blocks", None)
    words = [str(runs / name) for name in ("with", "without", "bare", "with_seed1")]
    assert main([*words, "--out", str(out)]) == 0
    printed = capsys.readouterr().out
    assert "[1/9] " in printed and "[9/9] speed of the generators" in printed
    assert (out / "comparison.md").read_text(encoding="utf-8").splitlines()[0] in printed


@pytest.mark.parametrize("width", [400, 1280])
@pytest.mark.slow
def test_in_a_browser_nothing_sticks_out(out, find_in_browser, width):
    sticks_out, *found = find_in_browser(
        out / "comparison.html",
        width,
        2000,
        "document.querySelectorAll('.photos tbody tr').length",
        "document.querySelectorAll('.photos tbody tr:first-child img').length",
        "[...document.querySelectorAll('.named td:first-child')].filter(cell => cell.offsetWidth < 90).length",
    )
    assert sticks_out <= 0
    # No broken picture; three photos: original, mosaic, three models, and two overlays; no name in a narrow column.
    assert found == [0, 3, 7, 0]


def test_each_configuration_is_trained_once(tmp_path, capfd, monkeypatch):
    config = write_config(tmp_path, "one")
    words = [str(config), "training.seed=3", "--out", str(tmp_path / "runs")]
    assert main(words) == 0
    printed = capfd.readouterr().out
    table = (tmp_path / "runs" / "comparison.md").read_text()
    assert "| one |" in table and table in printed
    assert f"[1/4] {tmp_path / 'runs' / 'one'}: training" in printed
    assert "seed: 3" in (tmp_path / "runs" / "one" / "config.yaml").read_text()

    monkeypatch.setattr(command, "_run_training", None)
    assert main(words) == 0
    assert f"[1/4] {tmp_path / 'runs' / 'one'}: is trained" in capfd.readouterr().out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["one.yaml", "two.yaml"], "the same model with the same seed"),
        (["one.yaml", "two.yaml", "--seeds", "2"], "the same model with the same seed"),
        (["one.yaml", "other.yaml"], "names should differ"),
        (["training.seed=3"], "nothing to compare"),
        ([], "nothing to compare"),
        (["none.yaml"], "cannot be read"),
        (["one.yaml", "training.sed=3"], "did you mean 'seed'?"),
        (["empty"], "empty: is not a run"),
        (["unfinished"], "is not finished: it has no summary.json"),
    ],
)
def test_bad_input_is_one_line_and_trains_nothing(tmp_path, monkeypatch, capsys, words, message):
    monkeypatch.chdir(tmp_path)
    for file in ("one.yaml", "two.yaml"):
        (tmp_path / file).write_text(TINY.format(name="one", attention="between"))
    (tmp_path / "other.yaml").write_text(TINY.format(name="one", attention="none"))
    (tmp_path / "empty").mkdir()
    (tmp_path / "unfinished").mkdir()
    shutil.copy(tmp_path / "one.yaml", tmp_path / "unfinished" / "config.yaml")
    assert main(words) == 2
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1
    assert not (tmp_path / "runs").exists()


def test_runs_on_different_data_are_one_line(runs, tmp_path, capsys):
    other = shutil.copytree(runs / "without", tmp_path / "other")
    evaluation = json.loads((other / "evaluation.json").read_text())
    (other / "evaluation.json").write_text(json.dumps(evaluation | {"data": {"source": "prepared"}}))
    assert main([str(runs / "with"), str(other), "--out", str(tmp_path / "out")]) == 2
    error = capsys.readouterr().err
    assert "were evaluated on different data (data.source is" in error and error.count("\n") == 1
    assert not (tmp_path / "out" / "comparison.html").exists()


def test_training_that_fails_ends_the_comparison(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(command, "run_child", lambda module, words: 2)
    assert main([str(write_config(tmp_path, "one")), "--out", str(tmp_path / "runs")]) == 2
    assert "training ended with exit code 2" in capsys.readouterr().err
    assert not (tmp_path / "runs" / "comparison.md").exists()


def test_training_that_is_stopped_stops_the_comparison(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(command, "run_child", lambda module, words: 130)
    assert main([str(write_config(tmp_path, "one")), "--out", str(tmp_path / "runs")]) == 130
    assert "interrupted" in capsys.readouterr().err


def test_two_comparisons_do_not_write_into_one_folder(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(command, "run_child", None)
    with locked_folder(tmp_path / "runs", ""):
        assert main([str(write_config(tmp_path, "one")), "--out", str(tmp_path / "runs")]) == 2
    assert "another comparison writes there" in capsys.readouterr().err
