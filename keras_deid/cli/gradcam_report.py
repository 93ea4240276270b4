"""`scripts/gradcam_report.py RUN`: where the attention of a trained run goes, in pictures and in numbers.

Writes RUN/attention/: report.html (one file; open it in a browser), localisation.csv (a line for each picture, layer,
target and control), localisation.json (means, intervals, verdicts), localisation.md (the same as tables) and pictures/.
Several runs are seeds of one experiment: the numbers are over all of them, the gallery is the first one's.
"""

import argparse
import shlex
import sys
import time
from pathlib import Path

from keras_deid.cli.command import command
from keras_deid.cli.count import count
from keras_deid.cli.map_bar import map_bar
from keras_deid.cli.run_folder import load_run_config
from keras_deid.cli.start_tensorflow import start_tensorflow
from keras_deid.data.split import SPLITS

METHODS = ("gradcam", "gradcam++", "layercam", "scorecam")
TARGETS = ("real", "fake", "masked-patches")


@command
def main(argv: list[str] | None = None) -> int:
    """Writes a report; see `keras_deid.explain.explain.explain`."""
    started = time.perf_counter()
    options = _parser().parse_args(argv)
    out = options.out or options.runs[0] / "attention"
    config = load_run_config(options.runs[0], prepared=options.data)

    start_tensorflow()
    from keras_deid.explain.explain import explain
    from keras_deid.explain.networks import load_networks
    from keras_deid.explain.pictures import load_pictures, pictures_of_folder
    from keras_deid.explain.report import summary_lines
    from keras_deid.explain.study import count_maps

    networks = load_networks(options.runs, options.versus)
    if options.images:
        pictures = pictures_of_folder(options.images, config, options.limit)
    else:
        pictures = load_pictures(config, options.split, options.limit)
    targets = list(dict.fromkeys(options.target or ["real"]))
    maps = count_maps(networks, len(pictures), len(targets))
    with map_bar() as progress:
        summary = explain(
            networks,
            pictures,
            out,
            config=config,
            targets=targets,
            method=options.method,
            command=shlex.join(["python", "scripts/gradcam_report.py", *(sys.argv[1:] if argv is None else argv)]),
            progress=progress,
        )
    for line in summary_lines(summary):
        print(line)
    print(f"written: {out / 'report.html'}, localisation.csv, localisation.json, localisation.md, pictures/")
    print(f"{len(pictures)} pictures, {maps} maps in {time.perf_counter() - started:.0f} s")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="gradcam_report.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "runs",
        metavar="RUN",
        type=Path,
        nargs="+",
        help="folder with config.yaml, generator.keras and discriminator.keras; several are seeds of one experiment",
    )
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--images", metavar="FOLDER", type=Path, help="photographs, whose faces are found first")
    where.add_argument("--data", metavar="PREPARED", type=Path, help="prepared data set (default: the run's own data)")
    parser.add_argument("--split", choices=SPLITS, default="test", help="default: test")
    parser.add_argument("--limit", metavar="N", type=count, help="only the first N pictures")
    parser.add_argument("--method", choices=METHODS, default="gradcam", help="default: gradcam")
    parser.add_argument(
        "--target", choices=TARGETS, action="append", help="the score; may be given several times (default: real)"
    )
    parser.add_argument(
        "--versus", metavar="RUN", type=Path, nargs="+", default=[], help="runs without CBAM to compare with"
    )
    parser.add_argument("--out", metavar="FOLDER", type=Path, help="default: attention/ in the first RUN")
    return parser
