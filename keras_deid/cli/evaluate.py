"""`scripts/evaluate.py RUN`: the metrics of a trained run, on its own data or on others.

Prints tables, and writes RUN/evaluation.json with the scores of every picture (.csv) and a picture to look at (.png)
beside it. PSNR in dB, SSIM at most 1, L1 in [0, 1], and the fraction of faces that CenterFace finds again; for the
restored pictures, the de-identified input, and, where that is a mosaic, its block means enlarged. docs/evaluation.md
says what each number is.

Two longer jobs take its place when asked for: --blocks writes RUN/evaluation_blocks.json, .csv and .png, quality
against the size of the block; --usefulness writes RUN/usefulness.json, what the pictures are worth as training data.
"""

import argparse
import math
from pathlib import Path

from keras_deid.cli.command import command
from keras_deid.cli.count import count
from keras_deid.cli.map_bar import map_bar
from keras_deid.cli.run_folder import load_run_config
from keras_deid.config import Config
from keras_deid.data.split import SPLITS
from keras_deid.errors import UserError
from keras_deid.evaluation.block_study import check_blocks, evaluate_blocks
from keras_deid.evaluation.evaluate import evaluate_data
from keras_deid.evaluation.evaluation_file import check_out
from keras_deid.evaluation.faces_found import evaluation_detector
from keras_deid.evaluation.learned_metrics import load_learned_metrics
from keras_deid.evaluation.metrics import LEARNED_METRICS
from keras_deid.evaluation.tables import blocks_table, further_table, group_table, metrics_table, usefulness_table
from keras_deid.evaluation.usefulness import evaluate_usefulness
from keras_deid.models.saved import load_generator

# The run is trained: what else its configuration says cannot change any more.
_MAY_CHANGE = ("data.", "deidentify.")


@command
def main(argv: list[str] | None = None) -> int:
    """Evaluates a run; see `keras_deid.evaluation.evaluate.evaluate_data`."""
    options = _parser().parse_intermixed_args(argv)
    _check_may_change(options.overrides)
    config = load_run_config(options.run, options.overrides, options.data)
    if options.blocks:
        return _blocks(options, config)
    if options.usefulness:
        return _usefulness(options, config)
    return _evaluate(options, config)


def _evaluate(options: argparse.Namespace, config: Config) -> int:
    out = options.out or options.run / "evaluation.json"
    check_out(out)
    generator = load_generator(options.run)
    learned = load_learned_metrics(options.metrics) if options.metrics else None
    with map_bar() as progress:
        evaluation = evaluate_data(generator, config, options.split, out, options.limit, progress, learned)
    print(metrics_table(evaluation))
    print(further_table(evaluation))
    if options.groups:
        print(group_table(evaluation))
    print(f"written: {out}, {out.with_suffix('.csv').name}, {out.with_suffix('.png').name}")
    return 0


def _blocks(options: argparse.Namespace, config: Config) -> int:
    out = options.out or options.run / "evaluation_blocks.json"
    check_out(out)
    check_blocks(config)
    generator = load_generator(options.run)
    with map_bar() as progress:
        study = evaluate_blocks(
            generator, config, options.split, options.blocks, out, evaluation_detector(), options.limit, progress
        )
    print(blocks_table(study))
    print(f"written: {out}, {out.with_suffix('.csv').name}, {out.with_suffix('.png').name}")
    return 0


def _usefulness(options: argparse.Namespace, config: Config) -> int:
    out = options.out or options.run / "usefulness.json"
    check_out(out)
    generator = load_generator(options.run)
    with map_bar() as progress:
        usefulness = evaluate_usefulness(generator, config, out, options.limit, progress)
    print(usefulness_table(usefulness))
    print(f"written: {out}")
    return 0


def _check_may_change(overrides: list[str]) -> None:
    for word in overrides:
        if "=" in word and not word.startswith(_MAY_CHANGE):
            raise UserError(f"{word}: cannot change in a trained run; evaluation takes data.* and deidentify.*")


def _block_sizes(text: str) -> list[float]:
    try:
        blocks = sorted({float(word) for word in text.split(",")})
    except ValueError:
        blocks = []
    if not blocks or not all(0 < block < math.inf for block in blocks):
        raise argparse.ArgumentTypeError(f"expected numbers above 0 with commas between them, received {text!r}")
    return blocks


def _learned_metrics(text: str) -> list[str]:
    names = text.split(",")
    if not set(names) <= set(LEARNED_METRICS):
        raise argparse.ArgumentTypeError(f"expected some of {','.join(LEARNED_METRICS)}, received {text!r}")
    return list(dict.fromkeys(names))


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
    parser.add_argument("--limit", metavar="N", type=count, help="only the first N pictures")
    parser.add_argument("--groups", action="store_true", help="print the metrics by face size, block and brightness")
    parser.add_argument(
        "--metrics",
        metavar="LIST",
        type=_learned_metrics,
        help="further metrics, of lpips,fid,kid; they download the weights of their networks once (extra: metrics)",
    )
    instead = parser.add_mutually_exclusive_group()
    instead.add_argument(
        "--blocks",
        metavar="LIST",
        type=_block_sizes,
        help="quality at several block sizes instead, e.g. 0.1,0.15,0.2,0.25,0.33, in the run's unit",
    )
    instead.add_argument(
        "--usefulness",
        action="store_true",
        help="instead, train a small network on the train split and try it on the originals of the test split",
    )
    return parser
