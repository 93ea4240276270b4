import json

import pytest

from keras_deid.cli.compare import main

TINY = """
name: {name}
data: {{image_size: [16, 16], synthetic: {{train: 4, val: 2, test: 2}}}}
generator: {{filters: 4, blocks: 1, reduction: 4}}
discriminator: {{filters: 4, layers: 1}}
training: {{batch_size: 2, epochs: 1, decay_epochs: 0}}
"""


def test_each_configuration_is_trained_once_and_the_table_written(tmp_path, capfd):
    config = tmp_path / "one.yaml"
    config.write_text(TINY.format(name="one"))
    assert main([str(config), "training.seed=3", "--out", str(tmp_path / "runs")]) == 0
    table = (tmp_path / "runs" / "comparison.md").read_text()
    assert "| one |" in table and table in capfd.readouterr().out
    assert "seed: 3" in (tmp_path / "runs" / "one" / "config.yaml").read_text()

    summary = tmp_path / "runs" / "one" / "summary.json"
    values = json.loads(summary.read_text())
    values["parameters"]["generator"] = 4321  # to be seen in the table only if it was not trained again
    summary.write_text(json.dumps(values))
    assert main([str(config), "training.seed=3", "--out", str(tmp_path / "runs")]) == 0
    assert "4,321" in (tmp_path / "runs" / "comparison.md").read_text()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["one.yaml", "two.yaml"], "names should differ"),
        (["training.seed=3"], "no configuration to compare"),
        (["none.yaml"], "cannot be read"),
        (["one.yaml", "training.sed=3"], "did you mean 'seed'?"),
    ],
)
def test_bad_input_is_one_line_and_trains_nothing(tmp_path, monkeypatch, capsys, words, message):
    monkeypatch.chdir(tmp_path)
    for file in ("one.yaml", "two.yaml"):
        (tmp_path / file).write_text(TINY.format(name="one"))
    assert main(words) == 2
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1
    assert not (tmp_path / "runs").exists()


def test_training_that_fails_ends_the_comparison(tmp_path, capfd):
    config = tmp_path / "one.yaml"
    config.write_text(TINY.format(name="one"))
    path = tmp_path / "missing"
    assert main([str(config), "data.source=prepared", f"data.path={path}", "--out", str(tmp_path / "runs")]) == 2
    assert "training ended with exit code 2" in capfd.readouterr().err
    assert not (tmp_path / "runs" / "comparison.md").exists()
