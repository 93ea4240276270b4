"""Click commands that end as `keras_deid.cli.ending` describes."""

import importlib
import io
import shlex
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from keras_deid.cli.ending import exit_codes

PROGRAM = "keras-deid"
_WORDS = "keras_deid.words"


class Command(click.Command):
    """A command whose `main` returns its exit code and raises only for bugs.

    A wrong command line gives 2, with click's lines about the usage. `exit_codes` has the other codes. The callback
    returns an exit code as well.
    """

    def main(  # type: ignore[override]
        self, args: Sequence[str] | None = None, prog_name: str | None = None, **settings: Any
    ) -> int:
        """Runs the command.

        Args:
            args: the words after the program's name; None: those of this process.
            prog_name: the program's name in messages.
            settings: for click's context.

        Returns:
            the exit code.
        """
        if prog_name is None:
            prog_name = Path(sys.argv[0]).name if args is None else self.name
        return self._run(list(sys.argv[1:] if args is None else args), str(prog_name), settings)

    @exit_codes
    def _run(self, words: list[str], name: str, settings: dict[str, Any]) -> int:
        if isinstance(sys.stdout, io.TextIOWrapper):
            sys.stdout.reconfigure(errors="backslashreplace")  # names of files may be no text
        self._main_shell_completion(settings, name)
        try:
            with self.make_context(name, words, **settings) as context:
                return self.invoke(context)
        except click.exceptions.Exit as ended:  # after --help
            return ended.exit_code
        except click.ClickException as error:
            error.show()
            return error.exit_code

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Keeps the words for `command_line`."""
        ctx.meta[_WORDS] = list(args)
        return super().parse_args(ctx, args)


class LazyGroup(Command, click.Group):
    """Sub-commands that are imported when they are called: `--help` of the group imports none of them.

    Args:
        package: package with a module of each sub-command's name, whose `main` is the command.
        summaries: by name, the line about each command in the group's help.
        settings: of `click.Group`.
    """

    def __init__(self, *, package: str, summaries: Mapping[str, str], **settings: Any) -> None:
        super().__init__(**settings)
        self._package = package
        self.summaries = summaries

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Returns the names, in the order in which users need them."""
        return list(self.summaries)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Imports a sub-command."""
        if cmd_name not in self.summaries:
            return None
        command: click.Command = importlib.import_module(f"{self._package}.{cmd_name}").main
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Lists the sub-commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(self.summaries.items()))


def command_line() -> str:
    """Returns the running command as the user would type it again, for reports.

    Absolute paths, which say where something lay on this machine, are written as reports name places.
    """
    context = click.get_current_context()
    return shlex.join([PROGRAM, str(context.command.name), *map(_without_place, context.meta[_WORDS])])


def _without_place(word: str) -> str:
    option, equals, value = word.rpartition("=")
    if not Path(value).is_absolute():
        return word
    from keras_deid.config import shown_place  # not before it is needed: it loads Pydantic

    return f"{option}{equals}{shown_place(value)}"
