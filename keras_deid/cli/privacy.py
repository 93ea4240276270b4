"""`keras-deid privacy`: measures how much hidden and restored faces give away to face recognition."""

from pathlib import Path

import click

from keras_deid.cli.arguments import chosen_kinds
from keras_deid.cli.command import Command, command_line
from keras_deid.cli.field_options import (
    kinds_option,
    limit_option,
    out_option,
    photographs_argument,
    report_skipped,
    restorer_option,
    split_option,
)
from keras_deid.cli.progress import Bar
from keras_deid.cli.start_tensorflow import start_tensorflow
from keras_deid.shipped import DEFAULT_RUN, find_run


@click.command("privacy", cls=Command)
@photographs_argument
@out_option
@restorer_option
@kinds_option("ten of them")
@split_option
@limit_option
def main(photographs: Path, out: Path, run: Path | None, kinds: str | None, split: str, limit: int | None) -> int:
    """Measure how well face recognition tells who is in PHOTOGRAPHS after faces were hidden and restored.

    PHOTOGRAPHS is a folder of untouched photographs, each of another person. The largest face of each is hidden in each
    kind and restored; face recognisers then look for the person among all. Writes FOLDER/: privacy.json (all numbers),
    privacy.csv (a line for each probe) and privacy.md (tables). The same command continues where it was stopped. The
    exit code is 1 if some photographs could not be read. Needs the extra "privacy".
    """
    from keras_deid.field.photographs import find_photographs, select
    from keras_deid.privacy.embedders import load_embedders
    from keras_deid.privacy.measure import DEFAULT_KINDS, OFFERED, Subject

    chosen = list(DEFAULT_KINDS) if kinds is None else chosen_kinds(kinds, OFFERED)
    selected = select(find_photographs(photographs), split, limit)
    embedders = load_embedders()
    start_tensorflow()
    from keras_deid.evaluation.faces_found import evaluation_detector
    from keras_deid.field.evaluate import check_out
    from keras_deid.privacy.evaluate import WORK, evaluate
    from keras_deid.restoring.run_model import RunModel

    check_out(out, photographs, WORK)
    subject = Subject(RunModel(run or find_run(DEFAULT_RUN)), evaluation_detector(), embedders, chosen)
    settings = {"photographs": str(photographs), "split": split, "limit": limit}
    with Bar("photographs", in_logs=True) as progress:
        content = evaluate(selected, out, subject, settings=settings, command=command_line(), progress=progress)
    code = report_skipped(content)
    print(f"{content['people']} people, {len(chosen)} kinds, recognised by {', '.join(content['results'])}")
    print(f"written: {out / 'privacy.md'}, privacy.json, privacy.csv")
    return code
