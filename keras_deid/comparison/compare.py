"""The whole of a comparison of finished runs: metrics, answers, pictures, and what is written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import keras
import numpy as np

from keras_deid.atomic import write_json, write_text
from keras_deid.comparison.answers import attention_answer, best_answer, place_pairs
from keras_deid.comparison.blocks import PICTURES, Curves, evaluated_curves, measured_curves
from keras_deid.comparison.budget import budget_of
from keras_deid.comparison.csv_file import csv_text
from keras_deid.comparison.entries import Entry, baselines_of, runs_of
from keras_deid.comparison.gallery import make_gallery
from keras_deid.comparison.plan import PlannedRun, comparing_steps
from keras_deid.comparison.report import Contents, page, summary_markdown
from keras_deid.comparison.runs import Run, check_same_data, read_run
from keras_deid.comparison.speed import ROUNDS, restored_per_second
from keras_deid.comparison.table import make_table
from keras_deid.config import Config, shown_place
from keras_deid.evaluation.block_study import has_blocks
from keras_deid.evaluation.evaluate import evaluate_data, is_deidentified
from keras_deid.evaluation.evaluation import RESTORED
from keras_deid.evaluation.evaluation_file import input_name, is_current
from keras_deid.explain.pictures import load_pictures
from keras_deid.models.pixels import to_signed
from keras_deid.models.saved import load_generator
from keras_deid.progress import Progress, silent
from keras_deid.statistics import LEVEL, RESAMPLES

# Pictures restored at once when the speed is measured.
SPEED_BATCH = 16


def compare(
    planned: Mapping[str, Sequence[PlannedRun]], out: Path, *, command: str, progress: Progress = silent
) -> Contents:
    """Compares finished runs and writes `comparison.html`, `.md`, `.csv` and `.json`.

    Args:
        planned: by name, each entry's runs, from `keras_deid.comparison.plan.entries_of`; all finished.
        out: folder to write; made if it does not exist. Measurements that take long are kept in its `measured/` and
            used again.
        command: that repeats the comparison; shown on the page.
        progress: called before each step with the steps done so far.

    Returns:
        what the page tells.

    Raises:
        UserError: if a run is damaged, or the runs were evaluated on different pictures.
    """
    kept = out / "measured"
    kept.mkdir(parents=True, exist_ok=True)
    entries = read_entries(planned, kept)
    generators = {entry.name: load_generator(entry.runs[0].folder) for entry in entries}
    first = entries[0].runs[0]
    steps = comparing_steps(planned)
    evaluated = evaluated_curves([entry.runs[0].folder for entry in entries])
    curves = {}
    for index, entry in enumerate(entries):
        progress(index, steps, f"{entry.name}: quality against block size")
        curves[entry.name] = evaluated[index] if evaluated else _measured(entry, generators[entry.name], kept)
    progress(steps - 2, steps, "pictures, and where the models look")
    gallery = make_gallery(entries, generators, first.config, input_name(first.evaluation))
    progress(steps - 1, steps, "speed of the generators, in turns")
    speeds = _speeds(generators, first.config)
    table = make_table(entries)
    contents = Contents(
        entries=entries,
        table=table,
        attention=attention_answer(entries, speeds),
        best=best_answer(entries, table),
        places=tuple(place_pairs(entries, speeds)),
        budget=budget_of(runs_of(entries)),
        speeds=speeds,
        gallery=gallery,
        blocks=_all_curves(entries, curves),
        settings=_settings(entries, "all" if evaluated else f"the first {PICTURES}"),
        command=command,
    )
    _write(out, contents)
    return contents


def read_entries(planned: Mapping[str, Sequence[PlannedRun]], kept: Path) -> list[Entry]:
    """Reads the runs of all entries and sees that they can be compared.

    Args:
        planned: by name, each entry's runs.
        kept: folder for the evaluation of runs that do not have theirs any more.

    Raises:
        UserError: if a run is damaged, or the runs were evaluated on different pictures.
    """
    found = []
    for name, of_entry in planned.items():
        runs = []
        for run in of_entry:
            label = name if len(of_entry) == 1 else f"{name}, seed {run.config.training.seed}"
            file = kept / f"{name}_seed{run.config.training.seed}.json"
            runs.append(read_run(label, run.folder, run.config, partial(_evaluated, file)))
        found.append(Entry(name, tuple(runs)))
    check_same_data(runs_of(found))
    return found


def _evaluated(file: Path, run: Path, config: Config) -> Path:
    """Evaluates a run into a file of its own, unless that was done before; the run's folder is left as it is."""
    if not is_current(file, run):
        evaluate_data(load_generator(run), config, "test", file)
    return file


def _measured(entry: Entry, generator: keras.Model, kept: Path) -> Curves:
    run = entry.runs[0]
    if not has_blocks(run.config):
        return {}
    return measured_curves(run.folder, run.config, generator, kept / f"{entry.name}_blocks.json")


def _all_curves(entries: Sequence[Entry], curves: Mapping[str, Curves]) -> dict[str, list[tuple[float, float]]]:
    """Returns the baselines' curves, which are the same for every entry, and each entry's."""
    named = {source: curves[entries[0].name].get(source, []) for source in baselines_of(entries)}
    named |= {entry.name: curves[entry.name].get(RESTORED, []) for entry in entries}
    return {name: points for name, points in named.items() if points}


def _speeds(generators: Mapping[str, keras.Model], config: Config) -> dict[str, float]:
    x = load_pictures(config, "test", SPEED_BATCH).x
    batch = np.asarray(to_signed(np.resize(x, (SPEED_BATCH, *x.shape[1:]))))
    return restored_per_second({name: model.predict_on_batch for name, model in generators.items()}, batch)


def _settings(entries: Sequence[Entry], pictures_of_blocks: str) -> dict[str, Any]:
    first: Run = entries[0].runs[0]
    data = first.config.data
    return {
        "data": f"{data.source}{f' {shown_place(data.path)}' if data.path else ''}",
        "pictures": f"{len(first.paths)} of the test split, {data.image_size[0]} x {data.image_size[1]} pixels",
        "de-identification": _hidden_by(first.config),
        "runs": "; ".join(f"{run.label}: {shown_place(run.folder)}" for run in runs_of(entries)),
        "precision": ", ".join(dict.fromkeys(str(run.summary.get("precision")) for run in runs_of(entries))),
        "intervals": f"{LEVEL:.0%}, {RESAMPLES} bootstrap resamples over pictures, and over seeds where there are "
        "several; differences picture by picture",
        "block sizes": f"{pictures_of_blocks} test pictures, first seed of each model",
        "speed": f"batch {SPEED_BATCH}, float32, median of {ROUNDS} alternating turns on this machine",
        "versions": ", ".join(f"{name} {version(name)}" for name in ("keras_deid", "tensorflow", "keras")),
    }


def _hidden_by(config: Config) -> str:
    if is_deidentified(config):
        return "pairs that came de-identified"
    unit = "face widths" if config.deidentify.unit == "face" else "pixels"
    strength = f" of {config.deidentify.block_size:g} {unit}" if has_blocks(config) else ""
    return f"{config.deidentify.method}{strength}"


def _write(out: Path, contents: Contents) -> None:
    """Writes the page last: where it is, everything is."""
    write_json(out / "comparison.json", contents.as_json())
    texts = {
        "comparison.csv": csv_text(contents.table, contents.entries, contents.speeds),
        "comparison.md": summary_markdown(contents),
        "comparison.html": page(contents),
    }
    for name, text in texts.items():
        write_text(out / name, text)
