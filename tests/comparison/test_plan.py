import json

import pytest

from keras_deid.comparison.plan import entries_of, make_plan, minutes_left, model_settings
from keras_deid.config import load_config
from keras_deid.errors import UserError

CONFIG = """
name: {name}
data: {{image_size: [32, 32], synthetic: {{train: 4, val: 2, test: 24}}}}
generator: {{filters: {filters}, blocks: 1, reduction: 4, normalization: none}}
discriminator: {{filters: 4, layers: 1}}
training: {{batch_size: 2, epochs: 2, decay_epochs: 0, seed: 5}}
"""


@pytest.fixture
def write_config(tmp_path):
    def write(name, filters=4):
        path = tmp_path / f"{name}.yaml"
        path.write_text(CONFIG.format(name=name, filters=filters))
        return path

    return write


def plan(out, *paths, overrides=(), seeds=1, **settings):
    return make_plan(list(paths), list(overrides), seeds=seeds, out=out, **settings)


def test_all_models_get_their_first_seed_before_any_gets_a_second(write_config, tmp_path):
    jobs = plan(tmp_path, write_config("a"), write_config("b", 8), overrides=["training.epochs=3"], seeds=2)
    assert [job.folder.name for job in jobs] == ["a", "b", "a_seed1", "b_seed1"]
    assert [job.config.training.seed for job in jobs] == [0, 0, 1, 1]
    assert {job.config.training.epochs for job in jobs} == {3}
    assert jobs[2].training == (
        "--config",
        str(tmp_path / "a.yaml"),
        "--run",
        str(tmp_path / "a_seed1"),
        "--metrics-only",
        "training.epochs=3",
        "training.seed=1",
    )
    assert {name: len(group) for name, group in entries_of(jobs).items()} == {"a": 2, "b": 2}


def test_one_seed_is_the_configurations_own(write_config, tmp_path):
    (job,) = plan(tmp_path, write_config("a"))
    assert job.config.training.seed == 5
    assert not any(word.startswith("training.seed") for word in job.training)


def test_photographs_are_passed_on(write_config, tmp_path):
    settings = ["data.source=prepared", "data.path=prepared/mine"]
    (job,) = plan(tmp_path, write_config("a"), photos=tmp_path / "mine", photo_settings=settings)
    assert str(job.config.data.path) == "prepared/mine"
    assert ("--photos", str(tmp_path / "mine")) == job.training[4:6]


def test_finished_runs_that_differ_in_seed_alone_are_one_model(write_run, tmp_path):
    for folder, seed in (("x_seed1", 1), ("x", 0), ("elsewhere/again", 2)):
        write_run(tmp_path / folder, name="x_seed7" if seed else "x", seed=seed)
    write_run(tmp_path / "y", attention="none")
    jobs = plan(tmp_path / "out", *(tmp_path / name for name in ("x_seed1", "x", "elsewhere/again", "y")))
    models = entries_of(jobs)
    assert {name: [job.folder.name for job in group] for name, group in models.items()} == {
        "x": ["x", "x_seed1", "again"],
        "y": ["y"],
    }
    assert all(job.is_trained and job.training is None for job in jobs)


def test_a_configuration_and_a_finished_run_are_seeds_of_one_model(write_run, write_config, tmp_path):
    write_run(tmp_path / "done", name="a", seed=0)
    jobs = plan(tmp_path / "out", write_config("a"), tmp_path / "done")
    assert [job.folder.name for job in entries_of(jobs)["a"]] == ["done", "a"]


def test_what_means_nothing_for_a_model_is_no_difference(write_config):
    config = load_config(write_config("a"), ["search.steps=3", "generator.latent=7", "loss.cycle_weight=2"])
    assert model_settings(config) == model_settings(load_config(write_config("a")))
    assert model_settings(config) != model_settings(load_config(write_config("a"), ["loss.whole_weight=2"]))


def test_finished_work_is_recognised(write_run, write_config, tmp_path):
    path = write_config("a")
    write_run(tmp_path / "a", seed=5)
    (job,) = plan(tmp_path, path)
    assert job.is_trained
    summary = json.loads((tmp_path / "a" / "summary.json").read_text())
    (tmp_path / "a" / "summary.json").write_text(json.dumps(summary | {"epochs": 1}))  # continued with more epochs
    assert not job.is_trained
    for damaged in ("[]", "3", '{"epochs": "many"}', '{"epochs": null}', "[" * 100_000):
        (tmp_path / "a" / "summary.json").write_text(damaged)
        assert not job.is_trained


def test_time_left_is_told_from_runs_that_are_trained(write_run, write_config, tmp_path):
    paths = write_config("a"), write_config("b", 8)
    jobs = plan(tmp_path, *paths, seeds=2)
    assert minutes_left(jobs) is None
    write_run(tmp_path / "a", seed=0)  # two minutes
    assert minutes_left(plan(tmp_path, *paths, seeds=2)) == pytest.approx(3 * 2)
    write_run(tmp_path / "b", seed=0, filters=8)
    file = tmp_path / "b" / "summary.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"seconds": 600}))
    assert minutes_left(plan(tmp_path, *paths, seeds=2)) == pytest.approx(2 + 10)
    file.write_text(json.dumps(json.loads(file.read_text()) | {"seconds": "long"}))
    assert minutes_left(plan(tmp_path, *paths, seeds=2)) == pytest.approx(3 * 2)  # its summary is made again


def refused(*words, **settings):
    with pytest.raises(UserError) as error:
        plan(*words, **settings)
    message = str(error.value)
    assert "\n" not in message
    return message


def test_what_is_no_finished_run_is_refused(write_run, tmp_path):
    assert "nothing to compare" in refused(tmp_path)
    (tmp_path / "empty").mkdir()
    assert "empty: is not a run: it has no config.yaml" in refused(tmp_path, tmp_path / "empty")
    assert "cannot be read as a configuration" in refused(tmp_path, tmp_path / "nowhere")
    for file in ("summary.json", "generator.keras", "history.csv"):
        write_run(tmp_path / file)
        (tmp_path / file / file).unlink()
        assert f"is not finished: it has no {file}" in refused(tmp_path, tmp_path / file)
    write_run(tmp_path / "damaged")
    (tmp_path / "damaged" / "summary.json").write_text("{")
    assert "damaged: is not finished" in refused(tmp_path, tmp_path / "damaged")


def test_what_cannot_stand_side_by_side_is_refused(write_run, write_config, tmp_path):
    path = write_config("a")
    message = refused(tmp_path, path, path)
    assert "the same model with the same seed 5" in message
    write_run(tmp_path / "other", name="a", attention="none")
    message = refused(tmp_path, path, tmp_path / "other")
    assert "both are called 'a'" in message and "generator.attention differs" in message and "should differ" in message
    assert "leave out training.seed" in refused(tmp_path, path, overrides=["training.seed=3"], seeds=2)
    write_run(tmp_path / "a", seed=5, attention="none")
    message = refused(tmp_path, path)
    assert "was trained with generator.attention='none'" in message and "'between'" in message


def test_other_data_are_refused_before_anything_is_trained(write_config, tmp_path):
    other = tmp_path / "other.yaml"
    other.write_text("extends: a.yaml\nname: other\ndata: {synthetic: {test: 9}}")
    message = refused(tmp_path, write_config("a"), other)
    assert "different data (data.synthetic.test is 24 and 9)" in message
    other.write_text("extends: a.yaml\nname: other\ndeidentify: {block_size: 0.3}")
    assert "deidentify.block_size is 0.2 and 0.3" in refused(tmp_path, write_config("a"), other)
    other.write_text("extends: a.yaml\nname: other\ndeidentify: {train_block_size: [0.1, 0.3]}")
    assert len(plan(tmp_path, write_config("a"), other)) == 2
