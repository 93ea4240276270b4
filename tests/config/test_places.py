"""Paths in files that others may get."""

from pathlib import Path

import pytest

from keras_deid.config import Config, portable, shown_place
from keras_deid.errors import UserError
from keras_deid.training.fitting import check_folder


@pytest.mark.parametrize(
    ("place", "expected"),
    [
        ("HERE/prepared/faces", "prepared/faces"),
        ("/data/alice/faces", "faces"),
        ("prepared/faces", "prepared/faces"),
        ("../faces", "../faces"),
        ("gs://bucket/alice/faces/", "faces"),
    ],
)
def test_how_a_report_names_a_place(tmp_path, monkeypatch, place, expected):
    monkeypatch.chdir(tmp_path)
    place = place.replace("HERE", str(tmp_path))
    assert shown_place(place) == expected
    if "://" not in place:
        assert shown_place(Path(place)) == expected


def test_a_run_keeps_paths_from_the_working_folder(tmp_path, monkeypatch):
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    data = {
        "source": "prepared",
        "path": f"{tmp_path}/work/prepared",
        "photos": f"{tmp_path}/photos",
        "boxes": "boxes.csv",
    }
    config = Config.model_validate({"data": data, "training": {"start_from": f"{tmp_path}/work/runs/a"}})
    kept = portable(config)
    assert (kept.data.path, kept.data.photos, kept.data.boxes) == (
        Path("prepared"),
        Path("../photos"),
        Path("boxes.csv"),
    )
    assert kept.data.masks is None and kept.training.start_from == "runs/a"
    assert portable(kept) == kept and Config.model_validate(kept.model_dump()) == kept
    for place in ("street64_any", None):
        named = Config.model_validate({"training": {"start_from": place}})
        assert portable(named).training.start_from == place
    bucket = Config.model_validate({"data": {"source": "prepared", "path": "gs://bucket/faces"}})
    assert portable(bucket) == bucket


def test_a_run_goes_on_however_its_data_are_named(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def config(path):
        return Config.model_validate({"data": {"source": "prepared", "path": str(path)}})

    run = tmp_path / "run"
    run.mkdir()
    for saved in (portable(config(tmp_path / "faces")), config(tmp_path / "faces")):  # as earlier versions did
        saved.save(run / "config.yaml")
        for path in ("faces", tmp_path / "faces"):
            check_folder(run, config(path))
        with pytest.raises(UserError, match="was started with data.path="):
            check_folder(run, config(tmp_path / "others"))
    portable(config(tmp_path / "faces")).save(run / "config.yaml")
    assert str(tmp_path) not in (run / "config.yaml").read_text()
