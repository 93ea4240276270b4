"""The installed command `keras-deid`."""

import click

from keras_deid import __version__
from keras_deid.cli.command import PROGRAM, LazyGroup

SUMMARIES = {
    "train": "Train a network, evaluate it, explain it and export it.",
    "prepare": "Turn a folder of photographs into a data set to train on.",
    "evaluate": "Measure a trained run.",
    "report": "Show where a trained run looks (Grad-CAM).",
    "compare": "Train several configurations and put them side by side.",
    "export": "Make a trained run a model for TensorFlow Serving.",
    "restore": "Restore a picture, a video, or a folder of them.",
    "demo": "Try the restorer on a photograph, in the browser.",
    "serve": "Offer exported models to other programs.",
}

main = click.version_option(__version__, prog_name=PROGRAM)(
    LazyGroup(
        package="keras_deid.cli",
        summaries=SUMMARIES,
        name=PROGRAM,
        help="Trains and evaluates networks that restore de-identified faces.",
        epilog=f"{PROGRAM} COMMAND --help says more about a command.",
        no_args_is_help=True,
    )
)
