"""`scripts/train.py`: trains a restorer, evaluates it on the test split and writes `runs/NAME/`.

Then it shows on some test pictures where the attention goes (`runs/NAME/attention/report.html`), and exports the model
for TensorFlow Serving (`saved_models/NAME/VERSION/`). Without arguments it trains `configs/quickstart.yaml` on drawn
street scenes. Stop it at any time with Ctrl-C; the same command continues. Any setting of the configuration can be
given as key=value, for instance training.epochs=3.
"""

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path

from keras_deid.cli.command import EXIT_INTERRUPTED, command
from keras_deid.cli.map_bar import map_bar
from keras_deid.cli.start_tensorflow import start_tensorflow
from keras_deid.config import Config, load_config
from keras_deid.errors import UserError

EXPLAINED = 50
"""Test pictures in the report at the end of a run; `scripts/gradcam_report.py` takes all."""


@command
def main(argv: list[str] | None = None) -> int:
    """Trains a run; see `keras_deid.training.run.run`."""
    options = _parser().parse_intermixed_args(argv)
    config = load_config(options.config, [*photo_settings(options.photos), *options.overrides])
    folder = options.run or Path("runs") / config.name

    start_tensorflow()
    from keras_deid.evaluation.tables import metrics_table
    from keras_deid.training.run import Interrupted, run

    try:
        figures = run(config, folder)
    except Interrupted as reason:
        print(reason, file=sys.stderr)
        return EXIT_INTERRUPTED
    if figures is None:
        print(f"not evaluated: there are no test pictures with their originals; the run is in {folder}/")
    else:
        print(metrics_table(figures))
        print(f"look at: {folder}/evaluation.png, {folder}/samples/; figures: {folder}/summary.json")
    if not options.figures_only:
        _say("attention", _explain, config, folder)
        _say("for serving", _export, config, folder)
    return 0


def _say(what: str, step: Callable[[Config, Path], str], config: Config, folder: Path) -> None:
    """Tells what a step after the training has made; the training stands even where such a step cannot be made."""
    try:
        print(f"{what}: {step(config, folder)}")
    except UserError as reason:
        print(f"{what}: none; {reason}", file=sys.stderr)


def _explain(config: Config, folder: Path) -> str:
    from keras_deid.explain.explain import explain_run

    report = folder / "attention" / "report.html"
    if not _newer(report, folder):
        with map_bar() as progress:
            explain_run(folder, config, EXPLAINED, progress)
    return str(report)


def _export(config: Config, folder: Path) -> str:
    from keras_deid.serving.export import export, versions

    base = Path("saved_models") / folder.resolve().name
    published = [base / str(version) for version in versions(base)]
    if published and _newer(published[-1], folder):
        return str(published[-1])
    return str(export(folder, base))


def _newer(made: Path, folder: Path) -> bool:
    """Whether something was made after the run's weights."""
    return made.exists() and made.stat().st_mtime >= (folder / "generator.keras").stat().st_mtime


def photo_settings(photos: Path | None) -> list[str]:
    """Returns the settings that mean: train on these photographs."""
    if photos is None:
        return []
    settings = {"source": "prepared", "photos": str(photos), "path": f"prepared/{photos.resolve().name}"}
    # In quotes, as YAML takes them from JSON: a folder may be called 2024.
    return [f"data.{key}={json.dumps(value, ensure_ascii=False)}" for key, value in settings.items()]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="train.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--config", metavar="FILE", type=Path, default=Path("configs/quickstart.yaml"))
    parser.add_argument("--run", metavar="FOLDER", type=Path, help="default: runs/NAME, NAME as in the configuration")
    parser.add_argument(
        "--photos",
        metavar="FOLDER",
        type=Path,
        help="train on these photographs; prepared/NAME is made from them first",
    )
    parser.add_argument(
        "--figures-only", action="store_true", help="neither explain nor export the trained run at the end"
    )
    parser.add_argument("overrides", metavar="key=value", nargs="*", help="settings that differ from the configuration")
    return parser
