"""`keras-deid export`: makes a trained run a model that TensorFlow Serving and other programs load."""

from pathlib import Path

import click

from keras_deid.cli.arguments import PATH, RunFolder, only_one
from keras_deid.cli.command import Command
from keras_deid.shipped import LOCATOR_RUN, find_run, run_names


@click.command("export", cls=Command)
@click.argument("run", metavar="RUN", type=RunFolder())
@click.option(
    "--out",
    metavar="FOLDER",
    type=PATH,
    help="Folder of the model, whose name is the model's on a server.  [default: saved_models/NAME of the run]",
)
@click.option(
    "--version", metavar="N", type=int, help="Number of the version.  [default: one more than the highest that exists]"
)
@click.option(
    "--locator",
    metavar="RUN",
    type=RunFolder(),
    help="The run of the locator that the model has as well.  [default: the shipped one]",
)
@click.option("--no-locator", is_flag=True, help="Leave the locator out.")
def main(run: Path, out: Path | None, version: int | None, locator: Path | None, no_locator: bool) -> int:
    """Make a trained RUN a model that TensorFlow Serving and other programs load.

    Writes saved_models/NAME/VERSION/: a SavedModel with signatures for float pixels, uint8 pixels, image files, for
    boxes in pictures or files of any size, and for finding hidden regions; requests that warm a server up, and a model
    card. Beside the versions, serving/ has the server's configuration and the command that starts it. A version is
    never replaced.
    """
    from keras_deid.serving.export import export

    only_one({"--locator": locator, "--no-locator": no_locator})
    if locator is None and not no_locator and LOCATOR_RUN in run_names():
        locator = find_run(LOCATOR_RUN)
    target = export(run, out, version, locator)
    print(f"written: {target}; how to serve it: {target.parent / 'serving' / 'README.md'}")
    return 0
