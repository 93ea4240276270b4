"""`scripts/evaluate.py RUN`: the figures of a trained run, on its own data or on others.

Prints tables, and writes RUN/evaluation.json with the scores of every picture (.csv) and a picture to look at (.png)
beside it. PSNR in dB, SSIM at most 1, L1 in [0, 1], and the share of faces that CenterFace finds again; for the
restored pictures, the de-identified input, and, where that is a mosaic, its block means enlarged. docs/evaluation.md
says what each number is.

Two longer jobs take its place when asked for: --blocks writes RUN/evaluation_blocks.json, .csv and .png, quality
against the size of the block; --usefulness writes RUN/usefulness.json, what the pictures are worth as training data.
"""

import argparse
import math
from pathlib import Path

from tqdm import tqdm

from keras_deid.cli.command import command
from keras_deid.cli.count import count
from keras_deid.cli.run_folder import load_run_config
from keras_deid.config import Config
from keras_deid.data.split import SPLITS
from keras_deid.errors import UserError
from keras_deid.evaluation.blocks import blocks_table, check_blocks, evaluate_blocks
from keras_deid.evaluation.job import check_out, count_pictures, evaluate_data
from keras_deid.evaluation.learned_metrics import LEARNED_METRICS, load_learned_metrics
from keras_deid.evaluation.table import further_table, group_table, table
from keras_deid.evaluation.usefulness import count_steps, evaluate_usefulness, usefulness_table
from keras_deid.models.saved import load_generator

# The run is trained: what else its configuration says cannot change any more.
_MAY_CHANGE = ("data.", "deidentify.")


@command
def main(argv: list[str] | None = None) -> int:
    """Evaluates a run; see `keras_deid.evaluation.job.evaluate_data`."""
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
    with _bar(count_pictures(config, options.split, options.limit)) as bar:
        figures = evaluate_data(generator, config, options.split, out, options.limit, bar.update, learned)
    print(table(figures))
    print(further_table(figures))
    if options.groups:
        print(group_table(figures))
    print(f"written: {out}, {out.with_suffix('.csv').name}, {out.with_suffix('.png').name}")
    return 0


def _blocks(options: argparse.Namespace, config: Config) -> int:
    out = options.out or options.run / "evaluation_blocks.json"
    check_out(out)
    check_blocks(config)
    generator = load_generator(options.run)
    with _bar(len(options.blocks) * count_pictures(config, options.split, options.limit)) as bar:
        figures = evaluate_blocks(generator, config, options.split, options.blocks, out, options.limit, bar.update)
    print(blocks_table(figures))
    print(f"written: {out}, {out.with_suffix('.csv').name}, {out.with_suffix('.png').name}")
    return 0


def _usefulness(options: argparse.Namespace, config: Config) -> int:
    out = options.out or options.run / "usefulness.json"
    check_out(out)
    generator = load_generator(options.run)
    with _bar(count_steps(config, options.limit)) as bar:
        figures = evaluate_usefulness(generator, config, out, options.limit, bar.update)
    print(usefulness_table(figures))
    print(f"written: {out}")
    return 0


def _bar(pictures: int) -> tqdm:
    return tqdm(unit=" pictures", total=pictures, leave=False, disable=None)


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
        help="what differs from the run's configuration, e.g. deidentify.block_size=0.25",
    )
    parser.add_argument("--data", metavar="PREPARED", type=Path, help="prepared data set (default: the run's own data)")
    parser.add_argument("--split", choices=SPLITS, default="test", help="default: test")
    parser.add_argument("--out", metavar="FILE", type=Path, help="default: RUN/evaluation.json, which is replaced")
    parser.add_argument("--limit", metavar="N", type=count, help="only the first N pictures")
    parser.add_argument("--groups", action="store_true", help="print the figures by face size, block and brightness")
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
