import csv
import io

import numpy as np
import pytest

from keras_deid.comparison.csv_file import csv_text
from keras_deid.comparison.report import summary_markdown
from keras_deid.comparison.table import make_table, to_best_words


def cells_of(table, name):
    return next(row for row in table.rows if row.name == name).cells


def test_baselines_come_first_and_models_from_the_best_to_the_worst(make_entry):
    table = make_table([make_entry("a", 1.0), make_entry("b", 2.0), make_entry("c", 1.5)])
    assert [row.name for row in table.rows] == ["original", "mosaic", "bicubic", "b", "c", "a"]
    assert [row.name for row in table.entries] == ["b", "c", "a"]
    assert [metric.name for metric in table.metrics] == ["psnr_mask", "ssim_mask", "faces_found"]
    assert table.pictures == 24
    assert cells_of(table, "original")["faces_found"].value.mean == 1.0
    assert cells_of(table, "original")["psnr_mask"].value.mean is None


def test_the_best_is_called_so_only_where_that_is_real(make_entry):
    table = make_table([make_entry("a", 1.0), make_entry("b", 2.0)])
    best, other = cells_of(table, "b")["psnr_mask"], cells_of(table, "a")["psnr_mask"]
    assert best.is_best and not other.is_best
    assert best.to_best.mean is None
    assert other.to_best.mean == pytest.approx(-1.0, abs=0.1)
    assert other.to_best.low < other.to_best.high < 0
    assert not any(cells["faces_found"].is_best for cells in (cells_of(table, "a"), cells_of(table, "b")))

    tied = make_table([make_entry("a", 1.0, spread=1.0), make_entry("b", 1.05, spread=1.0)])
    assert not any(row.cells["psnr_mask"].is_best for row in tied.rows)


def test_less_is_better_where_it_is(make_entry):
    models = [make_entry("a", 1.0), make_entry("b", 1.0), make_entry("c", 1.0)]
    for model, distance in zip(models, (0.3, 0.1, 0.2), strict=True):
        model.runs[0].scores["restored"]["lpips"] = np.full(24, distance)
        model.runs[0].scores["restored"]["charm"] = np.full(24, distance)
    table = make_table(models)
    assert [cells_of(table, name)["lpips"].is_best for name in "abc"] == [False, True, False]
    assert cells_of(table, "a")["lpips"].to_best.mean == pytest.approx(0.2)
    assert not any(row.cells["charm"].is_best for row in table.entries)  # who knows which end is the best


def test_columns_that_decide_come_first(make_entry):
    model = make_entry("a", 1.0)
    scores = model.runs[0].scores["restored"]
    for name in ("l1", "psnr_outside", "charm", "psnr"):
        scores[name] = scores["psnr_mask"]
    names = [metric.name for metric in make_table([model]).metrics]
    assert names[:4] == ["psnr_mask", "ssim_mask", "faces_found", "psnr_outside"]
    assert names[4:] == [name for name in scores if name in ("l1", "charm", "psnr")]


def test_seeds_are_averaged_and_each_is_told(make_entry):
    model = make_entry("a", 1.0, 2.0)
    cell = cells_of(make_table([model]), "a")["psnr_mask"]
    assert len(cell.seeds) == 2
    assert cell.value.mean == pytest.approx(np.mean(cell.seeds))
    assert cell.seeds[1] - cell.seeds[0] == pytest.approx(1.0, abs=0.1)
    assert not cell.is_best  # there is no other


def test_a_metric_of_the_whole_set_is_shown_and_not_ranked(make_entry):
    models = [make_entry("a", 1.0, 1.0), make_entry("b", 1.0)]
    for run, distance in zip((*models[0].runs, *models[1].runs), (10.0, 20.0, 5.0), strict=True):
        run.evaluation["restored"]["fid"] = distance
    models[1].runs[0].evaluation["intervals"]["restored"]["fid"] = [4.0, 6.0]
    models[0].runs[0].evaluation["baselines"]["input"]["fid"] = 80.0
    table = make_table(models)
    assert cells_of(table, "a")["fid"].value.mean == 15.0
    assert cells_of(table, "a")["fid"].seeds == (10.0, 20.0)
    assert (cells_of(table, "b")["fid"].value.low, cells_of(table, "b")["fid"].value.high) == (4.0, 6.0)
    assert cells_of(table, "mosaic")["fid"].value.mean == 80.0
    assert not any(cell.cells["fid"].is_best for cell in table.entries)


def test_the_markdown_table(make_entry, make_contents):
    entries = [make_entry("a", 1.0), make_entry("b", 2.0)]
    text = summary_markdown(make_contents(entries))
    start = text.index("|  | PSNR")
    lines = text[start:].split("\n\n")[0].splitlines()
    assert len({line.count("|") for line in lines}) == 1
    assert lines[2].startswith("| *original* |  |  | 100.0% |")
    first, second = lines[5].split("|"), lines[6].split("|")
    assert first[1].strip() == "b" and first[2].strip().startswith("**2") and " to " in first[2]
    assert second[1].strip() == "a" and "**" not in lines[6]
    assert second[-2].strip().startswith("-1.00 (") and first[-2].strip() == ""
    assert to_best_words(make_table([make_entry("a", 1.0)]).entries[0]) == ""


def test_all_numbers_are_in_the_csv(make_entry):
    models = [make_entry("a", 1.0, 1.5), make_entry("b", 2.0)]
    lines = list(csv.DictReader(io.StringIO(csv_text(make_table(models), models, {"a": 120.0}))))
    assert [(line["name"], line["kind"], line["seed"]) for line in lines] == [
        ("original", "original", ""),
        ("mosaic", "baseline", ""),
        ("bicubic", "baseline", ""),
        ("b", "model", ""),
        ("b, seed 0", "run", "0"),
        ("a", "model", ""),
        ("a, seed 0", "run", "0"),
        ("a, seed 1", "run", "1"),
    ]
    by_name = {line["name"]: line for line in lines}
    assert by_name["b"]["psnr_mask_is_best"] == "1" and by_name["a"]["psnr_mask_is_best"] == ""
    assert float(by_name["a"]["psnr_mask_to_best"]) == pytest.approx(-0.75, abs=0.1)
    assert by_name["a"]["restored_per_second"] == "120"
    assert by_name["a, seed 1"]["images_seen"] == "2000" and by_name["a, seed 1"]["minutes"] == "10"
    assert by_name["a, seed 1"]["peak_memory_mb"] == "" and by_name["original"]["psnr_mask"] == ""
    of_seeds = [float(by_name[f"a, seed {seed}"]["psnr_mask"]) for seed in (0, 1)]
    assert float(by_name["a"]["psnr_mask"]) == pytest.approx(np.mean(of_seeds))
