"""`keras-deid field`: measures how photographs are restored that people's tools have hidden."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from keras_deid.cli.arguments import chosen_kinds, precision_option, runtime_option
from keras_deid.cli.command import Command, command_line
from keras_deid.cli.field_options import (
    faces_option,
    kinds_option,
    limit_option,
    locator_option,
    out_option,
    photographs_argument,
    report_skipped,
    restorer_option,
    split_option,
)
from keras_deid.cli.progress import Bar
from keras_deid.cli.start_tensorflow import start_tensorflow
from keras_deid.shipped import DEFAULT_RUN, LOCATOR_RUN, find_run

_TARGETS = ("street", "large")


@click.command("field", cls=Command)
@photographs_argument
@out_option
@restorer_option
@locator_option
@kinds_option("all")
@faces_option
@split_option
@limit_option
@click.option(
    "--threshold",
    metavar="X",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    help="Least score of a region, between 0 and 1.  [default: 0.8]",
)
@click.option(
    "--targets",
    type=click.Choice(_TARGETS),
    default="street",
    show_default=True,
    help="What the results are held against: those of street photographs, or of large faces.",
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
    split: str,
    limit: int | None,
    threshold: float | None,
    targets: str,
    runtime: str,
    precision: str,
) -> int:
    """Hide the faces of PHOTOGRAPHS, a folder of untouched ones, restore them, and measure the results.

    All faces of a photograph are hidden at its own size, in each kind as a known tool hides them; then the same is done
    as keras-deid restore does. Faces of less than 16 px are left alone. Writes FOLDER/: field.json (all numbers),
    field.csv (a line for each face and kind), field.md (tables), field.html (one page; open it in a browser) and
    sheets/ (faces to look at). The same command continues where it was stopped. The exit code is 1 if some photographs
    could not be read.
    """
    from keras_deid.field.photographs import DetectedFaces, FaceSource, ListedFaces, find_photographs, select
    from keras_deid.hiding.kinds import KINDS

    chosen = list(KINDS) if kinds is None else chosen_kinds(kinds, KINDS)
    everything = find_photographs(photographs)
    selected = select(everything, split, limit)
    start_tensorflow()
    from keras_deid.config import load_config
    from keras_deid.evaluation.faces_found import evaluation_detector
    from keras_deid.field.evaluate import FieldSubject, check_out, evaluate
    from keras_deid.restoring.locate import THRESHOLD
    from keras_deid.restoring.region_sources import Located
    from keras_deid.restoring.run_locator import RunLocator
    from keras_deid.restoring.run_model import RunModel
    from keras_deid.restoring.runtime import choose_runtime

    check_out(out, photographs)
    detector = evaluation_detector()
    faces: FaceSource = DetectedFaces(detector) if boxes is None else ListedFaces(boxes, everything)
    locator = locator or find_run(LOCATOR_RUN)
    chosen_runtime = choose_runtime(runtime, precision)
    model = RunModel(run or find_run(DEFAULT_RUN), chosen_runtime)
    finder = RunLocator(locator, chosen_runtime)
    located = Located(finder.mark, finder.identity, threshold or THRESHOLD)
    subject = FieldSubject(model, located, faces, chosen, detector)
    settings = {
        "photographs": str(photographs),
        "split": split,
        "limit": limit,
        "locator": load_config(locator / "config.yaml").name,
        "precision": chosen_runtime.precision,
    }
    with Bar("photographs", in_logs=True) as progress:
        content = evaluate(
            selected, out, subject, targets=targets, settings=settings, command=command_line(), progress=progress
        )
    return _report(content, out)


def _report(content: Mapping[str, Any], out: Path) -> int:
    code = report_skipped(content)
    met = [verdict["met"] for verdict in content["verdicts"]]
    print(f"{content['untouched']['photographs']} photographs, {content['faces']} faces, {len(content['kinds'])} kinds")
    print(f"targets met: {sum(one is True for one in met)} of {len(met)}")
    print(f"written: {out / 'field.html'}, field.json, field.csv, field.md, sheets/")
    return code
