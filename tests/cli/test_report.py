import csv
import html.parser
import json
import re
import shutil

import pytest

from keras_deid.cli.report import METHODS, TARGETS, main
from keras_deid.config import load_config
from keras_deid.data.images import write_png
from keras_deid.explain import maps, targets
from keras_deid.models.patch_discriminator import patch_discriminator
from keras_deid.preparation.prepare import prepare
from keras_deid.report.page import wording
from keras_deid.statistics import Estimate
from keras_deid.synthetic import draw_scene
from keras_deid.training.networks import build_generator

SCENES = 4
WORDS = wording("explain/words.jinja")

CONFIG = f"""
name: tiny
data:
  image_size: [32, 32]
  synthetic: {{train: 8, val: 4, test: {SCENES}}}
generator: {{filters: 4, blocks: 2, reduction: 4, normalization: none}}
discriminator: {{filters: 4, layers: 1}}
"""


def make_run(folder, attention="between", blocks=2):
    folder.mkdir()
    (folder / "config.yaml").write_text(CONFIG.replace("blocks: 2", f"blocks: {blocks}, attention: {attention}"))
    config = load_config(folder / "config.yaml")
    build_generator(config).save(folder / "generator.keras")
    patch_discriminator((32, 32, 3), filters=4, layers=1).save(folder / "discriminator.keras")
    return folder


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Run folders as training leaves them, as far as they are read; the weights are untrained."""
    folder = tmp_path_factory.mktemp("runs")
    for name, attention in (("tiny", "between"), ("seed", "between"), ("plain", "none")):
        make_run(folder / name, attention)
    return folder


@pytest.fixture(scope="module")
def report(runs, tmp_path_factory):
    """The report of two seeds and a run without attention, with two targets."""
    out = tmp_path_factory.mktemp("report") / "attention"
    words = [str(runs / "tiny"), str(runs / "seed"), "--versus", str(runs / "plain"), "--out", str(out)]
    assert main([*words, "--target", "real", "--target", "masked-patches"]) == 0
    return out


class Page(html.parser.HTMLParser):
    """What is on a page: its text, and where its pictures and styles come from."""

    def __init__(self, path):
        super().__init__()
        self.sources, self.links, self.ids, self.text = [], [], [], ""
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.sources += [attributes["src"]] if "src" in attributes else []
        self.links += [attributes["href"]] if "href" in attributes else []
        self.ids += [attributes["id"]] if "id" in attributes else []
        if tag == "img":
            assert attributes["alt"]

    def handle_data(self, data):
        self.text += data


def read_csv(path):
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_the_table_has_a_line_for_everything(report):
    lines = read_csv(report / "localisation.csv")
    # pictures x layers x targets x regions x (two seeds with five controls, and the run without)
    assert len(lines) == SCENES * 2 * 2 * 3 * (2 * 6 + 1)
    assert {line["run"] for line in lines} == {"tiny", "seed", "plain"}
    assert {line["layer"] for line in lines} == {"cbam_1", "cbam_2", "block_1_sum", "block_2_sum"}
    for line in lines:
        if line["region"] != "rest":  # there may be none, on a map that is not zero where the mosaic is
            assert bool(line["energy"]) != (line["zero"] == "1")


def test_the_summary(report):
    summary = json.loads((report / "localisation.json").read_text(encoding="utf-8"))
    assert (summary["run"], summary["pictures"]) == ("tiny", SCENES)
    assert [(verdict["kind"], verdict["target"], verdict["region"]) for verdict in summary["verdicts"]] == [
        (kind, target, region)
        for kind in ("where", "merit")
        for target in ("real", "masked-patches")
        for region in ("mask", "person", "rest")
    ]
    where, merit = (WORDS.verdict(summary["verdicts"][number]) for number in (0, 6))
    assert ", over 2 seeds, they put more there than" in where
    assert ", over 2 seeds with and 1 without, the difference lies" in merit
    assert len(summary["findings"]) == 12
    for finding in summary["findings"]:
        assert finding["pictures"] <= SCENES
        assert "without attention" in finding["controls"]
        assert set(finding["runs"]) == {"tiny", "seed"}
    # Four scenes are counted only: no mean of so few.
    assert sum(group["pictures"] for group in summary["groups"] if group["by"] == "clothes") == SCENES
    assert all(group["findings"] == [] for group in summary["groups"])
    assert set(summary["cascade"]) == {"cbam_1", "cbam_2"}
    assert summary["cascade"]["cbam_1"]["nothing"]["mean"] == pytest.approx(1)
    assert [row["order"] for row in summary["faithfulness"]] == ["cbam_1", "cbam_2", "centred gaussian", "random order"]


def test_the_page_says_it_all_and_needs_nothing_else(report):
    page = Page(report / "report.html")
    assert page.sources and all(source.startswith("data:image/png;base64,") for source in page.sources)
    assert page.links == []
    assert "url(" not in (report / "report.html").read_text(encoding="utf-8")
    assert [name for name in page.ids if name not in ("scale", "faithfulness")] == [
        "verdicts",
        "gallery",
        "layers",
        "groups",
        "gates",
        "regated",
        "sanity",
        "method",
    ]
    summary = json.loads((report / "localisation.json").read_text(encoding="utf-8"))
    verdicts = [WORDS.verdict(verdict) for verdict in summary["verdicts"]]
    findings = [
        f"the maps at {finding['layer']} put {Estimate(**finding['energy']).words()} times the flat fraction on the "
        f"{WORDS.regions[finding['region']]}"
        if finding["pictures"]
        else f"At {finding['layer']} all {finding['zero_maps']} maps are zero everywhere: nothing can be said."
        for finding in summary["findings"]
    ]
    for sentence in (*verdicts, *findings, *map(WORDS.note, summary["notes"])):
        assert sentence in page.text
    tables = (report / "localisation.md").read_text(encoding="utf-8")
    assert all(verdict in tables for verdict in verdicts)
    assert len(re.findall(r"^\| cbam_[12] \|", tables, re.MULTILINE)) == 14
    assert "keras-deid report " in page.text
    assert f"Only {SCENES} pictures: the intervals are rough." in page.text
    assert len(list((report / "pictures").glob("gallery_*_original.png"))) == SCENES


@pytest.mark.parametrize("width", [400, 1280])
@pytest.mark.slow
def test_in_a_browser_nothing_sticks_out(report, find_in_browser, width):
    shown = "document.querySelectorAll('#gallery figure').length"
    sticks_out, *found = find_in_browser(report / "report.html", width, 2000, shown)
    assert sticks_out <= 0
    assert found == [0, SCENES]


def test_a_run_without_cbam_says_so(runs, tmp_path, capsys):
    assert main([str(runs / "plain"), "--out", str(tmp_path), "--limit", "2"]) == 0
    printed = capsys.readouterr().out
    assert "note: This run has no CBAM" in printed
    assert f"written: {tmp_path / 'report.html'}" in printed
    # 2 pictures at 2 layers: de-identified, with random weights, and before that
    assert re.search(r"^2 pictures, 12 maps in \d+ s$", printed, re.MULTILINE)
    assert "not tested" not in printed
    assert "This run has no CBAM" in Page(tmp_path / "report.html").text


def test_on_prepared_data(runs, tmp_path):
    photos = tmp_path / "photos"
    photos.mkdir()
    lines = ["path,x0,y0,x1,y1"]
    for seed in range(3):
        scene = draw_scene(seed, 64)
        write_png(photos / f"{seed}.png", scene.image)
        lines.append(f"{seed}.png," + ",".join(f"{edge:.1f}" for edge in scene.box))
    (tmp_path / "boxes.csv").write_text("\n".join(lines))
    prepared = tmp_path / "prepared"
    prepare(
        photos,
        prepared,
        boxes=tmp_path / "boxes.csv",
        size=32,
        min_face=1,
        test_fraction=0.9,
        val_fraction=0,
        workers=1,
    )
    run, out = str(runs / "tiny"), tmp_path / "out"
    assert main([run, "--data", str(prepared), "--out", str(out)]) == 0
    summary = json.loads((out / "localisation.json").read_text(encoding="utf-8"))
    assert {"kind": "no_person"} in summary["notes"]
    assert "The data have no person masks: only the de-identified region is measured." in Page(out / "report.html").text
    assert {finding["region"] for finding in summary["findings"]} == {"mask"}


@pytest.mark.parametrize("method", ["integrated-gradients", "occlusion"])
def test_maps_at_the_input_have_one_row(runs, tmp_path, method):
    assert main([str(runs / "plain"), "--method", method, "--limit", "1", "--out", str(tmp_path)]) == 0
    summary = json.loads((tmp_path / "localisation.json").read_text(encoding="utf-8"))
    assert {finding["layer"] for finding in summary["findings"]} == {"input"}
    assert {"kind": "no_cbam", "places": "input"} in summary["notes"]
    assert list(summary["cascade"]) == ["input"]
    tables = (tmp_path / "localisation.md").read_text(encoding="utf-8")
    assert len(re.findall(r"^\| input \|", tables, re.MULTILINE)) == 3
    assert maps.METHODS[method] + ", maps at the input." in Page(tmp_path / "report.html").text


def test_the_names_are_those_of_the_package():
    assert tuple(maps.METHODS) == METHODS
    assert tuple(targets.TARGETS) == TARGETS


def refusal(capsys, *words):
    """Runs the command, which has to fail with one line, and returns that line."""
    assert main([str(word) for word in words]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    lines = [line for line in printed.err.splitlines() if line.startswith("error: ")]
    assert len(lines) == 1 and "Traceback" not in printed.err
    return lines[0]


def test_mistakes_are_one_line(runs, tmp_path, capsys):
    run = runs / "tiny"
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("")
    assert "nowhere: does not exist" in refusal(capsys, tmp_path / "nowhere")
    assert "no picture in it" in refusal(capsys, run, "--photos", tmp_path / "empty")
    assert "has no dataset.json" in refusal(capsys, run, "--data", tmp_path / "empty")
    assert "file: cannot be made a folder" in refusal(capsys, run, "--out", tmp_path / "file")
    assert "seed: has CBAM" in refusal(capsys, run, "--versus", runs / "seed")
    assert "several runs have this name" in refusal(capsys, run, run)
    assert "have different layers" in refusal(capsys, run, runs / "plain")
    shallow = make_run(tmp_path / "shallow", "none", blocks=1)
    assert "1 layers to take maps at, tiny has 2" in refusal(capsys, run, "--versus", shallow)
    assert "runs after --versus must differ by seed only" in refusal(
        capsys, run, "--versus", shallow, "--versus", runs / "plain"
    )


def test_an_untrained_run(runs, tmp_path, capsys):
    run = shutil.copytree(runs / "tiny", tmp_path / "untrained")
    (run / "discriminator.keras").unlink()
    assert "discriminator.keras: no such file; train the run first" in refusal(capsys, run)


@pytest.mark.parametrize("words", [[], ["RUN", "--limit", "0"], ["RUN", "--method", "x"], ["RUN", "--target", "x"]])
def test_a_wrong_command_line(words, capsys):
    assert main(words) == 2
    assert "Usage:" in capsys.readouterr().err
