import re
from pathlib import Path

import pytest
import yaml

from keras_deid.config import load_config
from keras_deid.errors import UserError
from keras_deid.models.saved import load_generator
from keras_deid.shipped import find_config, find_run, preset_names, products_folder, run_names

ROOT = Path(__file__).parents[2]


def test_every_configuration_beside_the_package_is_a_preset():
    files = {path.relative_to(ROOT / "configs").with_suffix("").as_posix() for path in ROOT.glob("configs/**/*.yaml")}
    assert set(preset_names()) == files >= {"quickstart", "street64", "ablation/branch"}
    assert [name for name in preset_names() if "/" in name] == preset_names()[-len(list(ROOT.glob("configs/*/*"))) :]


@pytest.mark.parametrize("name", ["street64", "ablation/branch_open"])
def test_a_preset_by_name_from_anywhere_is_the_file(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    assert load_config(name) == load_config(ROOT / "configs" / f"{name}.yaml")


def test_a_file_comes_before_a_preset_and_a_folder_after_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "street64").mkdir()
    assert load_config("street64").name == "street64"
    (tmp_path / "street64").rmdir()
    (tmp_path / "street64").write_text(yaml.safe_dump({"name": "mine"}))
    assert load_config("street64").name == "mine"


@pytest.mark.parametrize("name", ["nope", "configs/street64", "ablation/nope"])
def test_what_is_neither_names_the_presets_in_one_line(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=re.escape("no such file or preset; the presets are cyclegan, ")) as error:
        find_config(name)
    assert "\n" not in str(error.value) and ", street64, " in str(error.value)


def test_a_path_is_left_to_whoever_reads_it():
    assert find_config("nowhere/mine.yaml") == Path("nowhere/mine.yaml")
    assert find_config("/nowhere/street64") == Path("/nowhere/street64")


def test_a_shipped_run_by_name_from_anywhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert run_names() == ["locator", "street64_any"]
    folder = find_run("street64_any")
    assert folder.resolve() == ROOT / "saved_models" / "street64_any" / "run"
    assert load_generator("street64_any").input_shape == (None, 64, 64, 3)
    assert products_folder(folder) == Path("runs/street64_any")


def test_a_run_of_ones_own_comes_before_a_shipped_one(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "street64_any").mkdir()
    assert find_run("street64_any").resolve() == ROOT / "saved_models" / "street64_any" / "run"
    (tmp_path / "street64_any" / "config.yaml").touch()
    assert find_run("street64_any") == products_folder(Path("street64_any")) == Path("street64_any")


def test_an_unknown_run_is_left_to_whoever_opens_it():
    assert find_run("runs/nowhere") == Path("runs/nowhere")
    with pytest.raises(UserError, match=r"nowhere/generator.keras: no such file"):
        load_generator("nowhere")
