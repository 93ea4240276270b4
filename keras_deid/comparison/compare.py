"""The whole of a comparison of finished runs: figures, answers, pictures, and what is written."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import keras
import numpy as np

from keras_deid.atomic import write_text
from keras_deid.comparison.answers import attention_answer, best_answer, place_sentences
from keras_deid.comparison.blocks import PICTURES, Curves, evaluated_curves, has_blocks, measured_curves
from keras_deid.comparison.csv_file import csv_text
from keras_deid.comparison.gallery import make_gallery
from keras_deid.comparison.models import Model, budget_words, floors_of, runs_of
from keras_deid.comparison.plan import Job
from keras_deid.comparison.report import Contents, page, summary_markdown
from keras_deid.comparison.runs import RESTORED, Run, check_same_data, read_run
from keras_deid.comparison.speed import ROUNDS, restored_per_second
from keras_deid.comparison.table import Table, make_table
from keras_deid.config import Config
from keras_deid.evaluation.job import evaluate_data, is_deidentified
from keras_deid.evaluation.table import input_name
from keras_deid.explain.pictures import load_pictures
from keras_deid.intervals import LEVEL, RESAMPLES
from keras_deid.models.pixels import to_signed
from keras_deid.models.saved import load_generator

# Pictures restored at once when the speed is measured.
SPEED_BATCH = 16

Progress = Callable[[str], object]


def compare(
    models: Mapping[str, Sequence[Job]], out: Path, *, command: str, progress: Progress = lambda what: None
) -> Contents:
    """Compares finished runs and writes `comparison.html`, `.md` and `.csv`.

    Args:
        models: by name, each model's runs, from `keras_deid.comparison.plan.models_of`; all finished.
        out: folder to write; made if it does not exist. Measurements that take long are kept in its `measured/` and
            used again.
        command: that does the same again; told on the page.
        progress: called with what is done next, `keras_deid.comparison.plan.comparing_steps` times.

    Returns:
        what the page tells.

    Raises:
        UserError: if a run is damaged, or the runs were evaluated on different pictures.
    """
    kept = out / "measured"
    kept.mkdir(parents=True, exist_ok=True)
    found = read_models(models, kept)
    generators = {model.name: load_generator(model.runs[0].folder) for model in found}
    first = found[0].runs[0]
    evaluated = evaluated_curves([model.runs[0].folder for model in found])
    curves = {}
    for index, model in enumerate(found):
        progress(f"{model.name}: quality against block size")
        curves[model.name] = evaluated[index] if evaluated else _measured(model, generators[model.name], kept)
    progress("pictures, and where the models look")
    gallery = make_gallery(found, generators, first.config, input_name(first.figures))
    progress("speed of the generators, in turns")
    speeds = _speeds(generators, first.config)
    table = make_table(found)
    budget, same_budget = budget_words(found)
    contents = Contents(
        models=found,
        table=table,
        attention=attention_answer(found, speeds),
        best=best_answer(found, table),
        places=tuple(place_sentences(found, speeds)),
        budget=budget,
        same_budget=same_budget,
        speeds=speeds,
        gallery=gallery,
        blocks=_all_curves(found, curves),
        settings=_settings(found, "all" if evaluated else f"the first {PICTURES}"),
        command=command,
    )
    _write(out, contents)
    return contents


def read_models(models: Mapping[str, Sequence[Job]], kept: Path) -> list[Model]:
    """Reads the runs of all models and sees that they can be compared.

    Args:
        models: by name, each model's runs.
        kept: folder for the evaluation of runs that do not have theirs any more.

    Raises:
        UserError: if a run is damaged, or the runs were evaluated on different pictures.
    """
    found = []
    for name, jobs in models.items():
        runs = []
        for job in jobs:
            label = name if len(jobs) == 1 else f"{name}, seed {job.config.training.seed}"
            file = kept / f"{name}_seed{job.config.training.seed}.json"
            runs.append(read_run(label, job.folder, job.config, partial(_evaluated, file)))
        found.append(Model(name, tuple(runs)))
    check_same_data(runs_of(found))
    return found


def _evaluated(file: Path, run: Path, config: Config) -> Path:
    """Evaluates a run into a file of its own, unless that was done before; the run's folder is left as it is."""
    weights = run / "generator.keras"
    if not file.is_file() or file.stat().st_mtime < weights.stat().st_mtime:
        evaluate_data(load_generator(run), config, "test", file)
    return file


def _measured(model: Model, generator: keras.Model, kept: Path) -> Curves:
    run = model.runs[0]
    if not has_blocks(run.config):
        return {}
    return measured_curves(run.folder, run.config, lambda folder: generator, kept / f"{model.name}_blocks.json")


def _all_curves(models: Sequence[Model], curves: Mapping[str, Curves]) -> dict[str, list[tuple[float, float]]]:
    """Returns the floors' curves, which are the same for every model, and each model's."""
    named = {floor: curves[models[0].name].get(floor, []) for floor in floors_of(models)}
    named |= {model.name: curves[model.name].get(RESTORED, []) for model in models}
    return {name: points for name, points in named.items() if points}


def _speeds(generators: Mapping[str, keras.Model], config: Config) -> dict[str, float]:
    x = load_pictures(config, "test", SPEED_BATCH).x
    batch = np.asarray(to_signed(np.resize(x, (SPEED_BATCH, *x.shape[1:]))))
    return restored_per_second({name: model.predict_on_batch for name, model in generators.items()}, batch)


def _settings(models: Sequence[Model], pictures_of_blocks: str) -> dict[str, Any]:
    first: Run = models[0].runs[0]
    data = first.config.data
    return {
        "data": f"{data.source}{f' {data.path}' if data.path else ''}",
        "pictures": f"{len(first.paths)} of the test split, {data.image_size[0]} x {data.image_size[1]} pixels",
        "de-identification": _hidden_by(first.config),
        "runs": "; ".join(f"{run.label}: {run.folder}" for run in runs_of(models)),
        "precision": ", ".join(dict.fromkeys(str(run.summary.get("precision")) for run in runs_of(models))),
        "intervals": f"{LEVEL:.0%}, {RESAMPLES} bootstrap resamples over pictures, and over seeds where there are "
        "several; differences picture by picture",
        "block sizes": f"{pictures_of_blocks} test pictures, first seed of each model",
        "speed": f"batch {SPEED_BATCH}, float32, median of {ROUNDS} alternating turns on this machine",
        "versions": ", ".join(f"{name} {version(name)}" for name in ("keras_deid", "tensorflow", "keras")),
    }


def _hidden_by(config: Config) -> str:
    if is_deidentified(config):
        return "pairs that came de-identified"
    unit = "widths of the face" if config.deidentify.unit == "face" else "pixels"
    strength = "" if config.deidentify.method == "box" else f" of {config.deidentify.block_size:g} {unit}"
    return f"{config.deidentify.method}{strength}"


def _write(out: Path, contents: Contents) -> None:
    """Writes the page last: where it is, everything is."""
    table: Table = contents.table
    texts = {
        "comparison.csv": csv_text(table, contents.models, contents.speeds),
        "comparison.md": summary_markdown(contents),
        "comparison.html": page(contents),
    }
    for name, text in texts.items():
        write_text(out / name, text)
