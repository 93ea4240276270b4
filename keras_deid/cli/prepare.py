"""`scripts/prepare.py PHOTOS OUT`: turns a folder of photographs into a data set to train on.

Every face that is found gives a square crop (or every photograph a whole picture), with the place of the face in it.
What could not be used is in OUT/skipped.csv; OUT/contact_sheet.png is there to be looked at. An interrupted preparation
continues when the same command is given again.
"""

import argparse
import logging
import sys
from pathlib import Path

from tqdm import tqdm

from keras_deid.cli.command import command
from keras_deid.cli.start_tensorflow import start_tensorflow
from keras_deid.config import PrepareConfig
from keras_deid.data.preparation.prepare import prepare
from keras_deid.data.prepared import CONTACT_SHEET, SKIPPED, PreparedDataset


@command
def main(argv: list[str] | None = None) -> int:
    """Prepares a folder of photographs; see `keras_deid.data.preparation.prepare.prepare`."""
    options = vars(_parser().parse_args(argv))
    logging.basicConfig(format="%(message)s", stream=sys.stderr)
    logging.getLogger("keras_deid").setLevel(logging.INFO)
    with _ProgressBar() as progress:
        dataset = prepare(progress=progress, **options)
    print(_summary(dataset))
    return 0


class _ProgressBar:
    """Shows photographs done, rate and time left; then makes TensorFlow ready, which the last step needs."""

    def __init__(self) -> None:
        self._bar: tqdm | None = None

    def __enter__(self) -> "_ProgressBar":
        return self

    def __call__(self, done: int, total: int) -> None:
        if self._bar is None:
            pause = 0.2 if sys.stderr.isatty() else 10.0  # seconds; a log needs no line five times a second
            self._bar = tqdm(initial=done, total=total, unit=" photos", mininterval=pause, dynamic_ncols=True)
        self._bar.update(done - self._bar.n)
        if done == total:
            self._bar.close()
            start_tensorflow()

    def __exit__(self, *error: object) -> None:
        if self._bar is not None:
            self._bar.close()


def _summary(dataset: PreparedDataset) -> str:
    counts = ", ".join(f"{count} {split}" for split, count in dataset.counts.items())
    lines = [f"{dataset.folder}: {counts} (fingerprint {dataset.fingerprint})"]
    skipped = dataset.description["skipped"]
    if skipped:
        reasons = ", ".join(f"{count} x {reason}" for reason, count in skipped.items())
        lines.append(f"skipped: {reasons}; see {dataset.folder / SKIPPED}")
    lines.append(f"look at: {dataset.folder / CONTACT_SHEET}")
    return "\n".join(lines)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="prepare.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("photos", metavar="PHOTOS", type=Path, help="folder of photographs, with its sub-folders")
    parser.add_argument("out", metavar="OUT", type=Path, help="folder to write; it appears when it is complete")
    parser.set_defaults(**PrepareConfig().model_dump())
    parser.add_argument(
        "--region",
        choices=("face", "photo"),
        help="a crop around each face or whole photographs (default: %(default)s)",
    )
    for name, metavar, kind, what in (
        ("--context", "X", float, "side of a crop / longer side of the face"),
        ("--off-centre", "S", float, "how far from the middle a face may lie: 0 in the middle, 1 anywhere in the crop"),
        ("--size", "PX", int, "side of a crop, shorter side of a photograph"),
        ("--min-face", "PX", float, "leave out narrower faces"),
        ("--min-score", "S", float, "leave out less certain faces"),
        ("--val-fraction", "S", float, "photographs for validation"),
        ("--test-fraction", "S", float, "photographs for testing"),
    ):
        parser.add_argument(name, metavar=metavar, type=kind, help=f"{what} (default: %(default)g)")
    parser.add_argument(
        "--boxes", metavar="CSV", type=Path, help="take the faces from this file (path,x0,y0,x1,y1), do not detect them"
    )
    parser.add_argument("--masks", metavar="FOLDER", type=Path, help="person masks, named like the photographs")
    parser.add_argument("--workers", metavar="N", type=int, help="processes (default: one for each core)")
    parser.add_argument("--force", action="store_true", help="replace the data set that is in OUT")
    return parser
