"""What the commands share that measure on untouched photographs: field, privacy, useful."""

import sys
from collections.abc import Mapping
from typing import Any

import click

from keras_deid.cli.arguments import COUNT, PATH, RunFolder
from keras_deid.data.split import SPLITS
from keras_deid.shipped import DEFAULT_RUN, LOCATOR_RUN

EXIT_SOME_BROKEN = 1
_ALL = "all"

photographs_argument = click.argument("photographs", metavar="PHOTOGRAPHS", type=PATH)
out_option = click.option("--out", metavar="FOLDER", type=PATH, required=True, help="Folder to write.")
restorer_option = click.option(
    "--run",
    metavar="RUN",
    type=RunFolder(),
    help=f"What restores: a trained run, or the name of a shipped one.  [default: {DEFAULT_RUN}]",
)
locator_option = click.option(
    "--locator",
    metavar="RUN",
    type=RunFolder(),
    help=f"What finds the regions: a trained run, or the name of a shipped one.  [default: {LOCATOR_RUN}]",
)
faces_option = click.option(
    "--boxes",
    metavar="CSV",
    type=PATH,
    help="Where the faces are (path,x0,y0,x1,y1 in pixels).  [default: where CenterFace finds them]",
)
split_option = click.option(
    "--split",
    type=click.Choice((*SPLITS, _ALL)),
    default="test",
    show_default=True,
    help="Which photographs to take, split by name as keras-deid prepare does by default.",
)
limit_option = click.option("--limit", metavar="N", type=COUNT, help="Take only the first N photographs.")


def kinds_option(default: str) -> Any:
    """Returns the option `--kinds`; `default` says in words which kinds are taken without it."""
    return click.option(
        "--kinds", metavar="LIST", help=f"Ways to hide faces, with commas between them.  [default: {default}]"
    )


def report_skipped(content: Mapping[str, Any]) -> int:
    """Prints the photographs that could not be read, and returns the exit code."""
    for skipped in content["skipped"]:
        print(f"skipped: {skipped['path']}: {skipped['reason']}", file=sys.stderr)
    return EXIT_SOME_BROKEN if content["skipped"] else 0
