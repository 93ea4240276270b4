"""`keras-deid prepare`: turns a folder of photographs into a data set to train on."""

import logging
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from keras_deid.cli.arguments import COUNT
from keras_deid.cli.beam_options import PLACE, beam_argument, check_runner, local_path, needing_beam, runner_option
from keras_deid.cli.command import Command
from keras_deid.cli.progress import Bar
from keras_deid.cli.start_tensorflow import start_tensorflow

if TYPE_CHECKING:
    from keras_deid.data.prepared import PreparedDataset

# The same as in `keras_deid.config.PrepareConfig`, whose import would double the time of `--help`.
DEFAULTS = {
    "region": "face",
    "context": 2.0,
    "off_centre": 0.0,
    "size": 96,
    "enlarge": True,
    "min_face": 24.0,
    "min_score": 0.5,
    "val_fraction": 0.1,
    "test_fraction": 0.1,
}


def _setting(flag: str, metavar: str, what: str) -> Any:
    """Returns the option for a setting of `PrepareConfig`; that class checks its range."""
    default = DEFAULTS[flag.removeprefix("--").replace("-", "_")]
    return click.option(flag, metavar=metavar, type=type(default), default=default, show_default=True, help=what)


@click.command("prepare", cls=Command)
@click.argument("photos", metavar="PHOTOS", type=PLACE)
@beam_argument
@click.option(
    "--out",
    metavar="FOLDER",
    type=PLACE,
    help="Folder of the data set; it appears when it is complete.  [default: prepared/NAME, NAME that of PHOTOS]",
)
@click.option(
    "--region",
    type=click.Choice(("face", "photo")),
    default=DEFAULTS["region"],
    show_default=True,
    help="A crop around each face, or whole photographs.",
)
@_setting("--context", "X", "Side of a crop divided by the longer side of the face.")
@_setting("--off-centre", "S", "How far from the middle of its crop a face may lie: 0 (in the middle) to 1 (anywhere).")
@_setting("--size", "PX", "Side of a crop, or shorter side of a photograph.")
@click.option(
    "--enlarge/--no-enlarge",
    default=DEFAULTS["enlarge"],
    show_default=True,
    help="Enlarge crops that are smaller than --size, or keep their own resolution.",
)
@_setting("--min-face", "PX", "Leave out faces narrower than this.")
@_setting("--min-score", "S", "Leave out faces with a lower detection score.")
@_setting("--val-fraction", "S", "Fraction of the photographs for validation.")
@_setting("--test-fraction", "S", "Fraction of the photographs for testing.")
@click.option(
    "--boxes",
    metavar="CSV",
    type=PLACE,
    help="Read the faces from this file (path,x0,y0,x1,y1) instead of detecting them.",
)
@click.option("--masks", metavar="FOLDER", type=PLACE, help="Folder of person masks, named like the photographs.")
@click.option("--workers", metavar="N", type=COUNT, help="Number of processes.  [default: one for each core]")
@click.option("--overwrite", is_flag=True, help="Replace an existing data set.")
@runner_option
def main(
    photos: str,
    out: str | None,
    boxes: str | None,
    masks: str | None,
    workers: int | None,
    runner: str | None,
    beam_options: tuple[str, ...],
    **settings: Any,
) -> int:
    """Turn the photographs in the folder PHOTOS and its sub-folders into a data set to train on.

    Each face gives a square crop (or each photograph a whole picture), with the face's box. skipped.csv in the data set
    lists the photographs that could not be used, and contact_sheet.png shows some examples. After an interruption, the
    same command continues.
    """
    check_runner(runner, beam_options, {"--workers": workers})
    logging.basicConfig(format="%(message)s", stream=sys.stderr)
    logging.getLogger("keras_deid").setLevel(logging.INFO)
    if runner is None:
        folder = local_path(photos)
        settings |= {
            "boxes": local_path(boxes) if boxes else None,
            "masks": local_path(masks) if masks else None,
            "workers": workers,
        }
        dataset = _prepare_here(folder, local_path(out or _default_out(folder)), settings)
    else:
        target = out or _default_out(local_path(photos))
        with needing_beam():
            from keras_deid.beam.prepare import prepare_on_beam
            from keras_deid.beam.running import works_here
        if works_here(runner, beam_options):
            start_tensorflow()
        settings |= {"boxes": boxes, "masks": masks}
        with Bar("shards", in_logs=True, leave=True) as bar:
            dataset = prepare_on_beam(photos, target, runner=runner, options=beam_options, progress=bar, **settings)
    print(_summary(dataset))
    return 0


def _default_out(photos: Path) -> str:
    return str(Path("prepared") / photos.resolve().name)


def _prepare_here(photos: Path, out: Path, settings: dict[str, Any]) -> "PreparedDataset":
    from keras_deid.preparation.prepare import prepare

    with Bar("photos", in_logs=True, leave=True) as bar:

        def show(done: int, total: int | None, what: str) -> None:
            bar(done, total, what)
            if done == total:
                bar.close()
                start_tensorflow()  # the last step needs it

        return prepare(photos, out, progress=show, **settings)


def _summary(dataset: "PreparedDataset") -> str:
    from keras_deid.data.left_out import SKIPPED
    from keras_deid.data.prepared import CONTACT_SHEET

    counts = ", ".join(f"{count} {split}" for split, count in dataset.counts.items())
    lines = [f"{dataset.folder}: {counts} (fingerprint {dataset.fingerprint})"]
    skipped = dataset.description.get("skipped")
    if skipped:
        reasons = ", ".join(f"{count} x {reason}" for reason, count in skipped.items())
        lines.append(f"skipped: {reasons}; see {dataset.folder}/{SKIPPED}")
    lines.append(f"look at: {dataset.folder}/{CONTACT_SHEET}")
    return "\n".join(lines)
