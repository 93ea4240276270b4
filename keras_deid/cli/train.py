"""`scripts/train.py`: trains a restorer, evaluates it on the test split and writes `runs/NAME/`.

Without arguments it trains `configs/quickstart.yaml` on drawn street scenes. Stop it at any time with Ctrl-C; the same
command continues. Any setting of the configuration can be given as key=value, for instance training.epochs=3.
"""

import argparse
import json
import sys
from pathlib import Path

from keras_deid.cli.command import EXIT_INTERRUPTED, command
from keras_deid.cli.start_tensorflow import start_tensorflow
from keras_deid.config import load_config


@command
def main(argv: list[str] | None = None) -> int:
    """Trains a run; see `keras_deid.training.run.run`."""
    options = _parser().parse_intermixed_args(argv)
    config = load_config(options.config, [*_photos(options.photos), *options.overrides])
    folder = options.run or Path("runs") / config.name

    start_tensorflow()
    from keras_deid.evaluation.table import table
    from keras_deid.training.run import Interrupted, run

    try:
        figures = run(config, folder)
    except Interrupted as reason:
        print(reason, file=sys.stderr)
        return EXIT_INTERRUPTED
    print(table(figures))
    print(f"look at: {folder}/evaluation.png, {folder}/samples/; figures: {folder}/summary.json")
    return 0


def _photos(photos: Path | None) -> list[str]:
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
    parser.add_argument("overrides", metavar="key=value", nargs="*", help="settings that differ from the configuration")
    return parser
