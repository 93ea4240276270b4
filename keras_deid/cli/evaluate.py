"""`scripts/evaluate.py RUN`: the figures of a trained run, on its own data or on others.

Prints a table, and writes RUN/evaluation.json with the scores of every picture (.csv) and a picture to look at (.png)
beside it. PSNR in dB, SSIM at most 1, L1 in [0, 1], and the share of faces that CenterFace finds again; for the
restored pictures, the de-identified input, and, where that is a mosaic, its block means enlarged.
"""

import argparse
from pathlib import Path

from tqdm import tqdm

from keras_deid.cli.command import command
from keras_deid.config import Config, load_config
from keras_deid.data.split import SPLITS
from keras_deid.errors import UserError
from keras_deid.evaluation.job import check_out, count_pictures, evaluate_data
from keras_deid.evaluation.table import table
from keras_deid.models.saved import load_generator

# The run is trained: what else its configuration says cannot change any more.
_MAY_CHANGE = ("data.", "deidentify.")


@command
def main(argv: list[str] | None = None) -> int:
    """Evaluates a run; see `keras_deid.evaluation.job.evaluate_data`."""
    options = _parser().parse_intermixed_args(argv)
    out = options.out or options.run / "evaluation.json"
    config = _load_config(options.run, options.overrides, options.data)
    check_out(out)
    generator = load_generator(options.run)
    pictures = count_pictures(config, options.split, options.limit)
    with tqdm(unit=" pictures", total=pictures, leave=False, disable=None) as bar:
        figures = evaluate_data(generator, config, options.split, out, options.limit, bar.update)
    print(table(figures))
    print(f"written: {out}, {out.with_suffix('.csv').name}, {out.with_suffix('.png').name}")
    return 0


def _load_config(run: Path, overrides: list[str], prepared: Path | None) -> Config:
    path = run / "config.yaml"
    if not run.is_dir():
        raise UserError(f"{run}: no such folder; give the folder of a trained run, such as runs/NAME")
    if not path.is_file():
        raise UserError(f"{path}: no such file; give the folder of a trained run, such as runs/NAME")
    for word in overrides:
        if "=" in word and not word.startswith(_MAY_CHANGE):
            raise UserError(f"{word}: cannot change in a trained run; evaluation takes data.* and deidentify.*")
    config = load_config(path, overrides)
    if prepared is None:
        return config
    data = config.data.model_copy(update={"source": "prepared", "path": prepared})
    return config.model_copy(update={"data": data})


def _count(text: str) -> int:
    count = int(text) if text.isdecimal() else 0
    if count < 1:
        raise argparse.ArgumentTypeError(f"expected a whole number of at least 1, received {text!r}")
    return count


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="evaluate.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("run", metavar="RUN", type=Path, help="folder with config.yaml and generator.keras")
    parser.add_argument(
        "overrides",
        metavar="key=value",
        nargs="*",
        help="what differs from the run's configuration, e.g. deidentify.evaluate_block=0.25",
    )
    parser.add_argument("--data", metavar="PREPARED", type=Path, help="prepared data set (default: the run's own data)")
    parser.add_argument("--split", choices=SPLITS, default="test", help="default: test")
    parser.add_argument("--out", metavar="FILE", type=Path, help="default: RUN/evaluation.json, which is replaced")
    parser.add_argument("--limit", metavar="N", type=_count, help="only the first N pictures")
    return parser
