"""`scripts/compare.py CONFIG | RUN ...`: trains what is not trained yet, and puts all models side by side.

Each configuration becomes the run OUT/NAME, NAME as in the configuration, and with --seeds K also OUT/NAME_seed1 and so
on; folders of finished runs are taken as they are. Runs that differ in their seed alone are one model. Stopped and
started again, it goes on where it was. Writes OUT/comparison.html (one file; open it in a browser), comparison.md,
comparison.csv and comparison.json.
"""

import argparse
import shlex
import subprocess
import sys
from pathlib import Path

from keras_deid.cli.command import EXIT_INTERRUPTED, command
from keras_deid.cli.count import count
from keras_deid.cli.start_tensorflow import start_tensorflow
from keras_deid.cli.train import photo_settings
from keras_deid.comparison.plan import PlannedRun, comparing_steps, entries_of, make_plan, minutes_left
from keras_deid.errors import UserError

_TRAIN = "from keras_deid.cli.train import main; raise SystemExit(main())"


@command
def main(argv: list[str] | None = None) -> int:
    """Trains and compares; see `keras_deid.comparison.compare.compare`."""
    options = _parser().parse_intermixed_args(argv)
    planned = make_plan(
        [Path(word) for word in options.words if not _is_setting(word)],
        [word for word in options.words if _is_setting(word)],
        seeds=options.seeds,
        out=options.out,
        photos=options.photos,
        photo_settings=photo_settings(options.photos),
    )
    entries = entries_of(planned)
    steps = len(planned) + comparing_steps(entries)
    _train(planned, steps)

    start_tensorflow()
    from keras_deid.comparison.compare import compare
    from keras_deid.comparison.report import summary_markdown

    words = sys.argv[1:] if argv is None else argv
    contents = compare(
        entries,
        options.out,
        command=shlex.join(["python", "scripts/compare.py", *words]),
        progress=lambda done, total, what: _show(len(planned) + done, steps, what),
    )
    print(summary_markdown(contents))
    if not contents.budget.is_same:
        print(f"warning: {contents.budget_sentence}", file=sys.stderr)
    print(f"written: {options.out / 'comparison.html'}, comparison.md, comparison.csv, comparison.json")
    return 0


def _show(done: int, total: int | None, what: str) -> None:
    """Says what is done next, a line a step: trainings in between draw bars of their own."""
    print(f"[{done + 1}/{total}] {what}", flush=True)


def _train(planned: list[PlannedRun], steps: int) -> None:
    for done, run in enumerate(planned):
        if run.is_trained:
            _show(done, steps, f"{run.folder}: is trained")
            continue
        minutes = minutes_left(planned)
        left = "" if minutes is None else f"; training takes about {minutes:.0f} minutes more in all"
        _show(done, steps, f"{run.folder}: training{left}")
        _run_training(run)


def _run_training(run: PlannedRun) -> None:
    """Trains in a process of its own, whose memory and precision leave no trace on the next."""
    code = subprocess.run([sys.executable, "-c", _TRAIN, *(run.training or ())], check=False).returncode
    if code < 0 or code == EXIT_INTERRUPTED:
        raise KeyboardInterrupt
    if code:
        raise UserError(f"{run.folder}: training ended with exit code {code}")


def _is_setting(word: str) -> bool:
    return "=" in word


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="compare.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "words",
        metavar="CONFIG | RUN | key=value",
        nargs="*",
        help="configurations; folders of finished runs; settings that hold for all the configurations",
    )
    parser.add_argument(
        "--seeds", metavar="K", type=count, default=1, help="train each configuration with training.seed=0 to K-1"
    )
    parser.add_argument("--photos", metavar="FOLDER", type=Path, help="train on these photographs")
    parser.add_argument("--out", metavar="FOLDER", type=Path, default=Path("runs"), help="default: runs")
    return parser
