"""How fast this tree trains on one device, against another tree of the repository, such as an older commit.

    git worktree add --detach /tmp/before COMMIT
    python -m benchmarks.tree_speed /tmp/before

The two take turns. Each turn is the command `keras-deid train` of one tree in a fresh process, with the same
configuration file, on drawn scenes in memory; its rate is that of the last epoch, in which nothing is compiled any
more. A ratio of 1 means that both are as fast. See docs/scaling.md.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path

from benchmarks.turns import header, take_turns
from keras_deid.cli.ending import exit_codes
from keras_deid.errors import UserError

HERE = Path(__file__).parents[1]
_EPOCHS = 2


@exit_codes
def main(argv: list[str] | None = None) -> int:
    """Prints a table of images per second."""
    options = _parser().parse_intermixed_args(argv)
    if not (options.other / "keras_deid").is_dir():
        raise UserError(f"{options.other}: has no keras_deid; give a folder with a checkout of the repository")
    settings = [
        "data.source=synthetic",
        f"data.synthetic={{train: {options.pictures}, val: 1, test: 1}}",
        f"training.epochs={_EPOCHS}",
        "training.decay_epochs=0",
        "training.samples=1",
        *options.settings,
    ]
    commits: dict[Path, str] = {}
    trees = (HERE, options.other.resolve())
    ours, theirs = (partial(_train, tree, options.config.resolve(), settings, commits) for tree in trees)
    rates = take_turns(ours, theirs, options.rounds)
    this, other = (commits[tree][:10] for tree in trees)
    print(f"{options.config.stem}: {options.pictures} pictures an epoch, {options.rounds} rounds; this tree: {this}")
    print(header("images", f"the tree of {other}"), rates.row("training on one device"), sep="\n")
    return 0


def _train(tree: Path, config: Path, settings: list[str], commits: dict[Path, str]) -> float:
    """Trains with the code of a tree; returns images per second of the last epoch, and notes the tree's commit."""
    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder, "run")
        words = ["train", "--config", str(config), "--run", str(run), "--metrics-only", *settings]
        command = [sys.executable, "-m", "keras_deid.cli", *words]
        environment = {**os.environ, "PYTHONPATH": str(tree)}
        done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
        if done.returncode:
            raise UserError(f"{tree}: {' '.join(command)}: exit code {done.returncode}\n{done.stderr}")
        commits[tree] = str(json.loads((run / "summary.json").read_text())["git_commit"])
        with (run / "history.csv").open(newline="") as file:
            rows = list(csv.DictReader(file))
        return float(rows[-1]["images_per_second"])


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.tree_speed",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("other", metavar="TREE", type=Path, help="folder with a checkout of the other commit")
    config = HERE / "configs" / "street64.yaml"
    parser.add_argument("--config", metavar="FILE", type=Path, default=config, help="default: configs/street64.yaml")
    parser.add_argument("--pictures", metavar="N", type=int, default=800, help="in an epoch (default: 800)")
    parser.add_argument("--rounds", metavar="N", type=int, default=5, help="turns of each (default: 5)")
    parser.add_argument("settings", metavar="key=value", nargs="*", help="settings of the configuration")
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
