"""Options of the commands that also run on Apache Beam."""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import click

from keras_deid.errors import UserError

PLACE = click.Path(path_type=str)
"""A path, or the URL of a file or folder that a runner reaches: a `Path` would lose one of its slashes."""

runner_option = click.option(
    "--runner",
    metavar="RUNNER",
    help="Work on this runner of Apache Beam (DirectRunner, FlinkRunner, SparkRunner, DataflowRunner, ...); Beam's own "
    "options come last, after --.",
)
beam_argument = click.argument("beam_options", metavar="[-- BEAM OPTIONS]", nargs=-1, type=click.UNPROCESSED)


def check_runner(runner: str | None, beam_options: Sequence[str], refused: Mapping[str, object]) -> None:
    """Looks whether the options fit each other.

    Args:
        runner: what `--runner` gave.
        beam_options: what stands after `--`.
        refused: options that no runner takes, by name; None and False mean that one was not given.

    Raises:
        click.UsageError: if they do not.
    """
    if runner is None and beam_options:
        raise click.UsageError(f"Got unexpected extra argument ({beam_options[0]}); options of Beam need --runner")
    for name, value in refused.items():
        if runner is not None and value:
            raise click.UsageError(f"{name} cannot be given with --runner")


def local_path(place: str) -> Path:
    """Returns a file or folder of this computer.

    Raises:
        UserError: if it lies elsewhere.
    """
    if "://" in place:
        raise UserError(f"{place}: is not on this computer; give a local path, or add --runner")
    return Path(place)


@contextlib.contextmanager
def needing_beam() -> Iterator[None]:
    """Tells how to install Beam where it is missing."""
    try:
        yield
    except ModuleNotFoundError as error:
        if str(error.name).partition(".")[0] != "apache_beam":
            raise
        raise UserError(
            "--runner needs apache-beam; install it with: pip install -c constraints-beam.txt 'keras-deid[beam]'"
        ) from error
