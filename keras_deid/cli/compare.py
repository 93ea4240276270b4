"""`keras-deid compare`: trains the missing runs and compares all models."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from keras_deid.cli.arguments import COUNT, PATH
from keras_deid.cli.child import run_child
from keras_deid.cli.command import Command, command_line
from keras_deid.cli.ending import EXIT_INTERRUPTED
from keras_deid.cli.progress import Steps
from keras_deid.cli.start_tensorflow import start_tensorflow
from keras_deid.cli.train import photo_settings
from keras_deid.errors import UserError
from keras_deid.locking import locked_folder

if TYPE_CHECKING:
    from keras_deid.comparison.plan import PlannedRun

_TRAIN = "keras_deid.cli.train"


@click.command("compare", cls=Command)
@click.argument("words", metavar="[CONFIG|RUN|key=value]...", nargs=-1)
@click.option(
    "--seeds", metavar="K", type=COUNT, default=1, help="Train each configuration K times, with training.seed=0 to K-1."
)
@click.option("--photos", metavar="FOLDER", type=PATH, help="Train on these photographs.")
@click.option("--out", metavar="FOLDER", type=PATH, default=Path("runs"), show_default=True, help="Where to write.")
def main(words: Sequence[str], seeds: int, photos: Path | None, out: Path) -> int:
    """Train the missing runs and compare all models.

    Each CONFIG, a preset or a file, becomes the run OUT/NAME, NAME as in the configuration, and with --seeds K also
    OUT/NAME_seed1 and so on. Each RUN is the folder of a finished run. Runs that differ only in their seed count as one
    model. Settings as key=value hold for all configurations.

    Started again, the command continues where it was stopped. It writes OUT/comparison.html (one file; open it in a
    browser), comparison.md, comparison.csv and comparison.json.
    """
    from keras_deid.comparison.plan import comparing_steps, entries_of, make_plan

    planned = make_plan(
        [Path(word) for word in words if not _is_setting(word)],
        [word for word in words if _is_setting(word)],
        seeds=seeds,
        out=out,
        photos=photos,
        photo_settings=photo_settings(photos),
    )
    entries = entries_of(planned)
    begin = Steps(len(planned) + comparing_steps(entries))
    with locked_folder(out, f"{out}: another comparison writes there; wait for it or choose another --out"):
        _train(planned, begin)

        start_tensorflow()
        from keras_deid.comparison.compare import compare
        from keras_deid.comparison.report import summary_markdown

        contents = compare(entries, out, command=command_line(), progress=lambda done, total, what: begin(what))
    print(summary_markdown(contents))
    if not contents.budget.is_same:
        print(f"warning: {contents.budget_sentence}", file=sys.stderr)
    print(f"written: {out / 'comparison.html'}, comparison.md, comparison.csv, comparison.json")
    return 0


def _train(planned: "Sequence[PlannedRun]", begin: Steps) -> None:
    from keras_deid.comparison.plan import minutes_left

    for run in planned:
        if run.is_trained:
            begin(f"{run.folder}: is trained")
            continue
        minutes = minutes_left(planned)
        left = "" if minutes is None else f"; training takes about {minutes:.0f} minutes more in all"
        begin(f"{run.folder}: training{left}")
        _run_training(run)


def _run_training(run: "PlannedRun") -> None:
    """Trains in a process of its own, whose memory and precision leave no trace on the next."""
    code = run_child(_TRAIN, run.training or ())
    if code < 0 or code == EXIT_INTERRUPTED:
        raise KeyboardInterrupt
    if code:
        raise UserError(f"{run.folder}: training ended with exit code {code}")


def _is_setting(word: str) -> bool:
    return "=" in word
