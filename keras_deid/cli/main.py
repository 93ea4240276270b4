"""The installed command `keras-deid`."""

import click

from keras_deid import __version__
from keras_deid.cli.command import PROGRAM, LazyGroup

SUMMARIES = {
    "train": "Train a network, evaluate, explain and export it.",
    "prepare": "Turn a folder of photographs into a data set to train on.",
    "evaluate": "Measure a trained run.",
    "field": "Measure how photographs are restored that other tools have hidden.",
    "privacy": "Measure what hidden and restored faces tell face recognition.",
    "useful": "Measure what photographs are worth as training data.",
    "report": "Show where a trained run looks (Grad-CAM).",
    "figures": "Draw a run's networks, and people with its maps, for print.",
    "compare": "Train several configurations and compare them.",
    "export": "Export a trained run for TensorFlow Serving.",
    "restore": "Restore a picture, a video, or a folder of them.",
    "demo": "Try the restorer on a photograph, in the browser.",
    "serve": "Offer exported models to other programs.",
}

main = click.version_option(__version__, prog_name=PROGRAM)(
    LazyGroup(
        package="keras_deid.cli",
        summaries=SUMMARIES,
        name=PROGRAM,
        help="Restore de-identified faces; train and evaluate networks that do so.",
        epilog=f"Run {PROGRAM} COMMAND --help for the options of a command.",
        no_args_is_help=True,
    )
)
