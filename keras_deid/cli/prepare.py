"""`scripts/prepare.py PHOTOS OUT`: photographs -> prepared data set."""

import argparse
from pathlib import Path

from tqdm import tqdm

from keras_deid.cli.command import command
from keras_deid.data.prepare import REGIONS, prepare


@command
def main(argv: list[str] | None = None) -> int:
    """Prepares a folder of photographs for training; see `keras_deid.data.prepare.prepare`."""
    options = vars(_parser().parse_args(argv))
    bar = tqdm(unit="photo")

    def progress(done: int, total: int) -> None:
        bar.total = total
        bar.update(done - bar.n)

    with bar:
        dataset = prepare(progress=progress, **options)
    counts = ", ".join(f"{count} {split}" for split, count in dataset.counts.items())
    print(f"{dataset.folder}: {counts}; fingerprint {dataset.fingerprint}")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="prepare.py", description=__doc__)
    parser.add_argument("photos", metavar="PHOTOS", type=Path)
    parser.add_argument("out", metavar="OUT", type=Path)
    parser.add_argument("--region", choices=REGIONS, default="face")
    parser.add_argument("--context", type=float, default=2.0)
    parser.add_argument("--size", type=int, default=96)
    parser.add_argument("--min-face", type=float, default=24)
    parser.add_argument("--min-score", type=float, default=0.5)
    parser.add_argument("--val-share", type=float, default=0.1)
    parser.add_argument("--test-share", type=float, default=0.1)
    parser.add_argument("--boxes", type=Path)
    parser.add_argument("--masks", type=Path)
    parser.add_argument("--workers", type=int)
    parser.add_argument("--force", action="store_true")
    return parser
