"""`scripts/export.py RUN`: makes a trained run a model that TensorFlow Serving and other programs load.

Writes saved_models/NAME/VERSION/: a SavedModel with signatures for float pixels, uint8 pixels, image files, and for
boxes in pictures or files of any size; requests that warm a server up, and a model card. Beside the versions, serving/
has the server's configuration and the command that starts it. A version is never replaced.
"""

import argparse
from pathlib import Path

from keras_deid.cli.command import command
from keras_deid.serving.export import export


@command
def main(argv: list[str] | None = None) -> int:
    """Exports a run; see `keras_deid.serving.export.export`."""
    options = _parser().parse_args(argv)
    target = export(options.run, options.to, options.version)
    print(f"written: {target}; how to serve it: {target.parent / 'serving' / 'README.md'}")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="export.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("run", metavar="RUN", type=Path, help="folder of a trained run, such as runs/NAME")
    parser.add_argument(
        "--to", metavar="FOLDER", type=Path, help="default: saved_models/NAME, NAME as in the run's configuration"
    )
    parser.add_argument("--version", metavar="N", type=int, help="default: one more than the highest that is there")
    return parser
