"""`keras-deid export`: makes a trained run a model that TensorFlow Serving and other programs load."""

from pathlib import Path

import click

from keras_deid.cli.arguments import PATH, RunFolder
from keras_deid.cli.command import Command


@click.command("export", cls=Command)
@click.argument("run", metavar="RUN", type=RunFolder())
@click.option(
    "--out",
    metavar="FOLDER",
    type=PATH,
    help="Folder of the model; its name is the model's name on a server.  [default: saved_models/NAME of the run]",
)
@click.option(
    "--version", metavar="N", type=int, help="Number of the version.  [default: the highest existing one plus 1]"
)
def main(run: Path, out: Path | None, version: int | None) -> int:
    """Make a trained RUN a model that TensorFlow Serving and other programs load.

    Writes saved_models/NAME/VERSION/: a SavedModel with signatures for float pixels, uint8 pixels, image files, and for
    boxes in pictures or files of any size; requests that warm a server up, and a model card. Beside the versions,
    serving/ has the server's configuration and the command that starts it. A version is never replaced.
    """
    from keras_deid.serving.export import export

    target = export(run, out, version)
    print(f"written: {target}; how to serve it: {target.parent / 'serving' / 'README.md'}")
    return 0
