"""`keras-deid evaluate`: measures a trained run, on its own data or on others."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from keras_deid.cli.arguments import (
    PATH,
    Listed,
    Positive,
    RunFolder,
    data_option,
    limit_option,
    only_one,
    settings_argument,
)
from keras_deid.cli.command import Command
from keras_deid.cli.progress import Bar
from keras_deid.cli.run_folder import load_run_config
from keras_deid.cli.start_tensorflow import start_tensorflow
from keras_deid.data.split import SPLITS
from keras_deid.errors import UserError
from keras_deid.evaluation.metrics import LEARNED_METRICS
from keras_deid.shipped import products_folder

if TYPE_CHECKING:
    from keras_deid.config import Config

# The run is trained: what else its configuration says cannot change any more.
_MAY_CHANGE = ("data.", "deidentify.")


class _Options(NamedTuple):
    """What all three jobs need."""

    run: Path
    split: str
    out: Path | None
    limit: int | None


@click.command("evaluate", cls=Command)
@click.argument("run", metavar="RUN", type=RunFolder())
@settings_argument
@data_option
@click.option("--split", type=click.Choice(SPLITS), default="test", show_default=True, help="Which pictures to take.")
@click.option("--out", metavar="FILE", type=PATH, help="JSON file to write or replace.  [default: RUN/evaluation.json]")
@limit_option
@click.option("--groups", is_flag=True, help="Print the metrics by face size, block and brightness.")
@click.option(
    "--metrics",
    metavar="LIST",
    type=Listed(click.Choice(LEARNED_METRICS)),
    help=f"Further metrics, of {','.join(LEARNED_METRICS)}. They download the weights of their networks once "
    "(extra: metrics).",
)
@click.option(
    "--blocks",
    metavar="LIST",
    type=Listed(Positive()),
    help="Instead, measure quality at several block sizes, such as 0.1,0.15,0.2,0.25,0.33, in the run's unit.",
)
@click.option(
    "--usefulness",
    is_flag=True,
    help="Instead, train a small network on the train split and try it on the originals of the test split.",
)
def main(
    run: Path,
    settings: Sequence[str],
    data: Path | None,
    groups: bool,
    metrics: list[str] | None,
    blocks: list[float] | None,
    usefulness: bool,
    **options: Any,
) -> int:
    """Measure a trained RUN, on its own data or on others.

    Prints tables, and writes RUN/evaluation.json with the scores of every picture (.csv) and a picture to look at
    (.png) beside it. PSNR in dB, SSIM at most 1, L1 in [0, 1], and the fraction of faces that CenterFace finds again;
    for the restored pictures, the de-identified input, and, where that is a mosaic, its block means enlarged.
    docs/evaluation.md says what each number is.

    Two longer jobs take its place when asked for: --blocks writes RUN/evaluation_blocks.json, .csv and .png, quality
    against the size of the block; --usefulness writes RUN/usefulness.json, what the pictures are worth as training
    data.

    Settings as key=value say what differs from the run's configuration, for instance deidentify.method=blur.
    """
    only_one({"--blocks": blocks, "--usefulness": usefulness})
    _check_may_change(settings)
    config = load_run_config(run, settings, data)
    start_tensorflow()
    given = _Options(run, **options)
    if blocks:
        return _blocks(given, config, sorted(blocks))
    if usefulness:
        return _usefulness(given, config)
    return _evaluate(given, config, groups, metrics)


def _evaluate(options: _Options, config: "Config", groups: bool, names: list[str] | None) -> int:
    from keras_deid.evaluation.evaluate import evaluate_data
    from keras_deid.evaluation.evaluation_file import check_out
    from keras_deid.evaluation.learned_metrics import load_learned_metrics
    from keras_deid.evaluation.tables import further_table, group_table, metrics_table
    from keras_deid.models.saved import load_generator

    run, split, limit = options.run, options.split, options.limit
    out = options.out or _products(run) / "evaluation.json"
    check_out(out)
    generator = load_generator(run)
    learned = load_learned_metrics(names) if names else None
    with Bar("pictures") as progress:
        evaluation = evaluate_data(generator, config, split, out, limit, progress, learned)
    print(metrics_table(evaluation))
    print(further_table(evaluation))
    if groups:
        print(group_table(evaluation))
    print(f"written: {out}, {out.with_suffix('.csv').name}, {out.with_suffix('.png').name}")
    return 0


def _blocks(options: _Options, config: "Config", blocks: list[float]) -> int:
    from keras_deid.evaluation.block_study import check_blocks, evaluate_blocks
    from keras_deid.evaluation.evaluation_file import check_out
    from keras_deid.evaluation.faces_found import evaluation_detector
    from keras_deid.evaluation.tables import blocks_table
    from keras_deid.models.saved import load_generator

    run, split, limit = options.run, options.split, options.limit
    out = options.out or _products(run) / "evaluation_blocks.json"
    check_out(out)
    check_blocks(config)
    generator = load_generator(run)
    with Bar("pictures") as progress:
        study = evaluate_blocks(generator, config, split, blocks, out, evaluation_detector(), limit, progress)
    print(blocks_table(study))
    print(f"written: {out}, {out.with_suffix('.csv').name}, {out.with_suffix('.png').name}")
    return 0


def _usefulness(options: _Options, config: "Config") -> int:
    from keras_deid.evaluation.evaluation_file import check_out
    from keras_deid.evaluation.tables import usefulness_table
    from keras_deid.evaluation.usefulness import evaluate_usefulness
    from keras_deid.models.saved import load_generator

    out = options.out or _products(options.run) / "usefulness.json"
    check_out(out)
    generator = load_generator(options.run)
    with Bar("steps") as progress:
        usefulness = evaluate_usefulness(generator, config, out, options.limit, progress)
    print(usefulness_table(usefulness))
    print(f"written: {out}")
    return 0


def _products(run: Path) -> Path:
    folder = products_folder(run)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _check_may_change(settings: Sequence[str]) -> None:
    for word in settings:
        if "=" in word and not word.startswith(_MAY_CHANGE):
            raise UserError(f"{word}: cannot change in a trained run; evaluation takes data.* and deidentify.*")
