"""`keras-deid train`: trains a restorer, evaluates it, explains it and exports it."""

import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from keras_deid.cli.arguments import PATH, settings_argument
from keras_deid.cli.command import Command
from keras_deid.cli.ending import EXIT_INTERRUPTED, EXIT_WORKER_LOST
from keras_deid.cli.progress import Bar
from keras_deid.cli.start_tensorflow import start_tensorflow
from keras_deid.errors import UserError

if TYPE_CHECKING:
    from keras_deid.config import Config

EXPLAINED = 50
"""Test pictures in the report at the end of a run; `keras-deid report` uses all."""


@click.command("train", cls=Command)
@click.option(
    "--config",
    metavar="NAME|FILE",
    default="quickstart",
    show_default=True,
    help="A preset, such as street64, or a YAML file.",
)
@click.option(
    "--run",
    "folder",
    metavar="FOLDER",
    type=PATH,
    help="Folder of the run.  [default: runs/NAME, NAME that of the configuration]",
)
@click.option(
    "--photos",
    metavar="FOLDER",
    type=PATH,
    help="Train on these photographs; first prepares the data set prepared/FOLDER.",
)
@click.option("--metrics-only", is_flag=True, help="Skip the attention report and the export.")
@settings_argument
def main(config: str, folder: Path | None, photos: Path | None, metrics_only: bool, settings: Sequence[str]) -> int:
    """Train a network, evaluate it on the test split, and write runs/NAME/.

    Then write an attention report on some test pictures (runs/NAME/attention/report.html), and export the model for
    TensorFlow Serving (saved_models/NAME/VERSION/). Without arguments, train the preset quickstart on drawn street
    scenes. Stop at any time with Ctrl-C; the same command continues.

    Any setting of the configuration can be given as key=value, for instance training.epochs=3.
    """
    from keras_deid.config import load_config

    loaded = load_config(config, [*photo_settings(photos), *settings])
    folder = folder or Path("runs") / loaded.name

    start_tensorflow()
    from keras_deid.evaluation.tables import metrics_table
    from keras_deid.training.cluster import this_worker
    from keras_deid.training.fitting import Interrupted
    from keras_deid.training.lost import WorkerLost
    from keras_deid.training.run import run

    try:
        with Bar("pictures", leave=True) as progress:
            metrics = run(loaded, folder, progress)
    except Interrupted as reason:
        print(reason, file=sys.stderr)
        return EXIT_INTERRUPTED
    except WorkerLost as reason:
        print(reason, file=sys.stderr)
        return EXIT_WORKER_LOST
    if not (worker := this_worker(loaded.training.strategy)).chief:
        print(f"worker {worker.number} of {worker.count} is done; worker 0 evaluates and writes {folder}/")
        return 0
    if loaded.training.method == "locate":
        print("validation: " + ", ".join(f"{name} {value:.4f}" for name, value in (metrics or {}).items()))
        print(f"look at: {folder}/history.csv; metrics: {folder}/summary.json")
        return 0
    if metrics is None:
        print(f"not evaluated: there are no test pictures with their originals; the run is in {folder}/")
    else:
        print(metrics_table(metrics))
        print(f"look at: {folder}/evaluation.png, {folder}/samples/; metrics: {folder}/summary.json")
    if not metrics_only:
        _then("attention", "attention report", _explain, loaded, folder)
        _then("for serving", "export", _export, loaded, folder)
    return 0


def _then(label: str, what: str, step: Callable[["Config", Path], str], config: "Config", folder: Path) -> None:
    """Prints the result of a step after the training; a failure is a warning, because the training is valid."""
    try:
        print(f"{label}: {step(config, folder)}")
    except UserError as reason:
        print(f"warning: {what} skipped: {reason}", file=sys.stderr)


def _explain(config: "Config", folder: Path) -> str:
    from keras_deid.explain.explain import explain_run

    report = folder / "attention" / "report.html"
    if not _newer(report, folder):
        with Bar("maps") as progress:
            explain_run(folder, config, EXPLAINED, progress)
    return str(report)


def _export(config: "Config", folder: Path) -> str:
    from keras_deid.serving.export import export, versions

    base = Path("saved_models") / folder.resolve().name
    published = [base / str(version) for version in versions(base)]
    if published and _newer(published[-1], folder):
        return str(published[-1])
    return str(export(folder, base))


def _newer(made: Path, folder: Path) -> bool:
    """Whether a file is newer than the run's weights."""
    return made.exists() and made.stat().st_mtime >= (folder / "generator.keras").stat().st_mtime


def photo_settings(photos: Path | None) -> list[str]:
    """Returns the settings for training on these photographs."""
    if photos is None:
        return []
    settings = {"source": "prepared", "photos": str(photos), "path": f"prepared/{photos.resolve().name}"}
    # JSON's quotes keep YAML from reading a folder called 2024 as a number.
    return [f"data.{key}={json.dumps(value, ensure_ascii=False)}" for key, value in settings.items()]
