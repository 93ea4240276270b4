import pytest

from keras_deid.cli import export as command


@pytest.fixture
def calls(monkeypatch, tmp_path):
    seen = []

    def export(run, to, version, locator):
        seen.append((run, to, version, locator))
        return tmp_path / "saved_models" / "tiny" / "4"

    monkeypatch.setattr("keras_deid.serving.export.export", export)
    monkeypatch.setattr(command, "run_names", lambda: ["street64"])
    return seen


def test_exports_and_says_where(calls, tmp_path, capsys):
    assert command.main([str(tmp_path), "--out", str(tmp_path / "tiny"), "--version", "4"]) == 0
    assert calls == [(tmp_path, tmp_path / "tiny", 4, None)]
    assert "saved_models/tiny/4; how to serve it: " in capsys.readouterr().out


def test_the_name_and_the_version_may_be_left_out(calls, tmp_path):
    assert command.main([str(tmp_path)]) == 0
    assert calls == [(tmp_path, None, None, None)]


def test_the_shipped_locator_comes_along_unless_another_or_none_is_wanted(calls, tmp_path, monkeypatch):
    monkeypatch.setattr(command, "run_names", lambda: ["locator", "street64"])
    monkeypatch.setattr(command, "find_run", lambda name: tmp_path / "shipped" / name)
    assert command.main([str(tmp_path)]) == 0
    assert command.main([str(tmp_path), "--locator", str(tmp_path / "mine")]) == 0
    assert command.main([str(tmp_path), "--no-locator"]) == 0
    locators = [locator for *_, locator in calls]
    assert locators == [tmp_path / "shipped" / "locator", tmp_path / "mine", None]
    assert command.main([str(tmp_path), "--no-locator", "--locator", str(tmp_path / "mine")]) == 2
    assert len(calls) == 3


def test_a_folder_that_is_no_run_is_one_line(tmp_path, capsys):
    assert command.main([str(tmp_path)]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1 and lines[0].startswith(f"error: {tmp_path / 'config.yaml'}: no such file")


def test_a_version_that_is_no_number_is_a_wrong_command_line(tmp_path):
    assert command.main([str(tmp_path), "--version", "new"]) == 2
