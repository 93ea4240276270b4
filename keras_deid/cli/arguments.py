"""Arguments that several commands share: types and options of click."""

import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import click

from keras_deid.errors import UserError
from keras_deid.shipped import find_run

PATH = click.Path(path_type=Path)
COUNT = click.IntRange(min=1)
RUNTIMES = ("auto", "openvino", "tensorflow")
PRECISIONS = ("auto", "float32", "bfloat16")

settings_argument = click.argument("settings", metavar="[key=value]...", nargs=-1)
limit_option = click.option("--limit", metavar="N", type=COUNT, help="Use only the first N pictures.")
data_option = click.option(
    "--data", metavar="PREPARED", type=PATH, help="A prepared data set.  [default: the run's own data]"
)
runtime_option = click.option(
    "--runtime",
    type=click.Choice(RUNTIMES),
    default="auto",
    show_default=True,
    help="What the networks run on; auto: OpenVINO if it is installed.",
)
precision_option = click.option(
    "--precision",
    type=click.Choice(PRECISIONS),
    default="auto",
    show_default=True,
    help="What the networks compute in; auto: bfloat16 on OpenVINO if the processor has it.",
)


class RunFolder(click.ParamType):
    """The folder of a trained run, or the name of a shipped one."""

    name = "run"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        """Finds the folder."""
        return find_run(value)


class Positive(click.ParamType):
    """A finite number above 0."""

    name = "float"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Reads the number."""
        number: float = click.FLOAT.convert(value, param, ctx)
        if not 0 < number < math.inf:
            self.fail(f"{value!r} is not a number above 0.", param, ctx)
        return number


class Listed(click.ParamType):
    """Values separated by commas, without repetitions, in the given order.

    Args:
        kind: type of a value.
    """

    name = "list"

    def __init__(self, kind: click.ParamType) -> None:
        self._kind = kind

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> list[Any]:
        """Reads the list."""
        if isinstance(value, list):
            return value
        return list(dict.fromkeys(self._kind.convert(word, param, ctx) for word in value.split(",")))


def chosen_kinds(names: str, kinds: Iterable[str]) -> list[str]:
    """Returns the ways to hide faces that `--kinds` lists, without repetitions.

    Args:
        names: with commas between them.
        kinds: those that there are.

    Raises:
        UserError: if there is no such kind.
    """
    chosen = list(dict.fromkeys(name.strip() for name in names.split(",")))
    for name in chosen:
        if name not in kinds:
            raise UserError(f"--kinds: there is no kind {name!r}; the kinds are {', '.join(kinds)}")
    return chosen


def only_one(options: Mapping[str, object]) -> str | None:
    """Returns the name of the option that was given.

    Args:
        options: values by name; None, False and an empty sequence mean that the option was not given.

    Returns:
        the name, or None if nothing was given.

    Raises:
        click.UsageError: if several were given.
    """
    given = [name for name, value in options.items() if value]
    if len(given) > 1:
        raise click.UsageError(f"{' and '.join(given)} cannot be given together")
    return given[0] if given else None
